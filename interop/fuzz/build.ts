/** From a drawn canvas to the one that a user of Lovage composes, by the public door alone. */
import { type Canvas as AnyComposed, chain, chord, chunks, type Group, group, map, remoteTask, starmap } from "lovage";
import type { Canvas, Errback, Side, TaskNode } from "./canvas.ts";

type Composed = AnyComposed<readonly unknown[], unknown, unknown>;
/** What mapped tasks take: any arguments. */
type Mapped = Parameters<typeof starmap<readonly unknown[], unknown>>[0];

/** `fuzz.<side>.<kind>`: routes send each to the queue of its side. */
const callable = (side: Side, what: string) => remoteTask<readonly unknown[]>(`fuzz.${side}.${what}`);
/** Mapped tasks are called in place, and have no run of their own. */
const mapped = (side: Side, breaks = false) => callable(side, breaks ? "broken" : "item") as Mapped;

/** The id of a task that is called by one that the sender chose. */
export const idOf = (key: string, label: string): string => `given:${key}:${label}`;

/** `key` tells the runs of many canvases apart: every label begins with it. */
export function build(canvas: Canvas, key: string): Composed {
  const linked = canvas.link.reduce((whole, link) => whole.link(build(link, key)), composed(canvas, key));
  const whole = canvas.linkError.reduce((whole, errback) => whole.linkError(errbackOf(errback, key)), linked);
  return canvas.stamps === undefined ? whole : whole.stamp(canvas.stamps);
}

function composed(canvas: Canvas, key: string): Composed {
  switch (canvas.type) {
    case "task":
      return task(canvas, key);
    case "chain":
      return chain(...canvas.steps.map((step) => build(step, key)));
    case "group": {
      const whole = group(canvas.members.map((member) => build(member, key)));
      return canvas.immutable ? (whole as Group).immutable() : whole;
    }
    case "chord":
      return chord(
        canvas.header.map((member) => build(member, key)),
        build(canvas.body, key) as never,
      ) as Composed;
    case "chunks":
      return chunks(mapped(canvas.side), labelled(canvas.items, key), canvas.size);
  }
}

function task(node: TaskNode, key: string): Composed {
  const made = unmarked(node, key);
  return node.hasId || node.ignored
    ? made.set({ ...(node.hasId && { taskId: idOf(key, node.label) }), ...(node.ignored && { ignoreResult: true }) })
    : made;
}

function unmarked({ side, kind, label, immutable, with: other, kwargs, items = [], breaks }: TaskNode, key: string): Composed {
  if (kind === "map") {
    const firsts = labelled(items, key).map(([only]) => only);
    return map(mapped(side, breaks) as Parameters<typeof map>[0], firsts);
  }
  if (kind === "starmap") return starmap(mapped(side, breaks), labelled(items, key));
  const { s, si } = callable(side, kind);
  if (kwargs !== undefined) {
    const own = (immutable ? si() : s()).set({ kwargs: { ...kwargs.own, label: `${key}:${label}` } });
    return (immutable ? own : own.set({ kwargs: kwargs.over })) as Composed;
  }
  const own = [...(other === undefined ? [] : [other]), `${key}:${label}`];
  return (immutable ? si(...own) : s(...own)) as Composed;
}

const labelled = (items: readonly (readonly string[])[], key: string): readonly (readonly string[])[] =>
  items.map((item) => [...item.slice(0, -1), `${key}:${item.at(-1)}`]);

function errbackOf({ side, label, immutable, hearsAll }: Errback, key: string): Composed {
  // The last of its own arguments, wherever the error stands before it.
  if (hearsAll) return callable(side, "hear").s(`${key}:${label}`) as Composed;
  const { s, si } = callable(side, "errback");
  return (immutable ? si() : s()).set({ kwargs: { label: `${key}:${label}` } }) as Composed;
}
