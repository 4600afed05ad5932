/** From a drawn canvas to the one that a user of Lovage composes, by the public door alone. */
import { type Canvas as AnyComposed, chain, chord, group, remoteTask } from "lovage";
import type { Canvas, Errback, Side, TaskNode } from "./canvas.ts";

type Composed = AnyComposed<readonly unknown[], unknown, unknown>;

/** `fuzz.<side>.<kind>`: routes send each to the queue of its side. */
const nameOf = (side: Side, what: string): string => `fuzz.${side}.${what}`;

/** `key` tells the runs of many canvases apart: every label begins with it. */
export function build(canvas: Canvas, key: string): Composed {
  const linked = canvas.link.reduce((whole, link) => whole.link(build(link, key)), composed(canvas, key));
  return canvas.linkError.reduce((whole, errback) => whole.linkError(errbackOf(errback, key)), linked);
}

function composed(canvas: Canvas, key: string): Composed {
  switch (canvas.type) {
    case "task":
      return task(canvas, key);
    case "chain":
      return chain(...canvas.steps.map((step) => build(step, key)));
    case "group":
      return group(canvas.members.map((member) => build(member, key)));
    case "chord":
      return chord(
        canvas.header.map((member) => build(member, key)),
        build(canvas.body, key) as never,
      ) as Composed;
  }
}

function task({ side, kind, label, immutable, with: replacement }: TaskNode, key: string): Composed {
  const callable = remoteTask<readonly unknown[]>(nameOf(side, kind));
  const own = [...(replacement === undefined ? [] : [replacement]), `${key}:${label}`];
  return (immutable ? callable.si(...own) : callable.s(...own)) as Composed;
}

function errbackOf({ side, label, immutable }: Errback, key: string): Composed {
  const callable = remoteTask<readonly unknown[]>(nameOf(side, "errback"));
  return (immutable ? callable.si() : callable.s()).set({ kwargs: { label: `${key}:${label}` } }) as Composed;
}
