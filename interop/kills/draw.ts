/** Chords drawn by chance from a seed: members and bodies on both sides, 2 to 30 of them, some in chains, some of chords. */
import { type Canvas, chain, chord, remoteTask } from "lovage";
import type { Chance } from "lovage/testing";

export type Side = "ts" | "py";
/** A task that gives its label back. What comes before it in a chain, or in a header, is its first argument. */
export interface Step {
  readonly kind: "step";
  readonly side: Side;
  readonly label: string;
}
export interface Chain {
  readonly kind: "chain";
  readonly steps: readonly Drawn[];
}
export interface Chord {
  readonly kind: "chord";
  readonly header: readonly Drawn[];
  readonly body: Step;
}
export type Drawn = Step | Chain | Chord;

/** @param key begins every label, so that the tasks of many chords are told apart. */
export function drawChord(chance: Chance, key: string): Drawn {
  let count = 0;
  const step = (): Step => ({ kind: "step", side: chance() < 0.5 ? "ts" : "py", label: `${key}/${count++}` });
  const member = (deep: boolean): Drawn => {
    const roll = chance();
    if (deep && roll < 0.15) return { kind: "chord", header: many(2 + Math.floor(chance() * 3), () => member(false)), body: step() };
    return roll < 0.25 ? { kind: "chain", steps: [step(), step()] } : step();
  };
  // Mostly small, so that many are under way at once; one in ten has up to 30 members.
  const size = 2 + Math.floor(chance() * (chance() < 0.1 ? 29 : 7));
  const whole: Chord = { kind: "chord", header: many(size, () => member(size < 9)), body: step() };
  const roll = chance();
  if (roll < 0.1) return { kind: "chain", steps: [step(), whole] };
  return roll < 0.2 ? { kind: "chain", steps: [whole, step()] } : whole;
}

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** As a user of Lovage composes it; `python/tasks.py` does the same for Celery's client. */
export function compose(drawn: Drawn): Canvas<readonly unknown[], unknown, unknown> {
  switch (drawn.kind) {
    case "step":
      return remoteTask<readonly unknown[]>(`${drawn.side}.step`).s(drawn.label) as never;
    case "chain":
      return chain(...drawn.steps.map(compose)) as never;
    case "chord":
      return chord(drawn.header.map(compose), compose(drawn.body) as never) as never;
  }
}

/** What a drawn canvas gives: the label of its last task. */
export const resultOf = (drawn: Drawn): string =>
  drawn.kind === "step" ? drawn.label : resultOf(drawn.kind === "chord" ? drawn.body : (drawn.steps.at(-1) as Drawn));

export function* chordsIn(drawn: Drawn): Generator<Chord> {
  if (drawn.kind === "step") return;
  if (drawn.kind === "chord") yield drawn;
  for (const inner of drawn.kind === "chord" ? drawn.header : drawn.steps) yield* chordsIn(inner);
}

export function* stepsIn(drawn: Drawn): Generator<Step> {
  if (drawn.kind === "step") yield drawn;
  else for (const inner of drawn.kind === "chord" ? [...drawn.header, drawn.body] : drawn.steps) yield* stepsIn(inner);
}
