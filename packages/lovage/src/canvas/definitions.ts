import type { AnyCanvas } from "../task/canvas.ts";
import type { Definitions } from "../task/sender.ts";

/** All that the parts are made of. Mostly that is one task, whose own set is taken as it is. */
export function definitionsOf(parts: readonly AnyCanvas[]): Definitions {
  const sets = new Set(parts.map((part) => part.definitions()));
  const [first = none, second] = sets;
  return second === undefined ? first : new Set([...sets].flatMap((set) => [...set]));
}

const none: Definitions = new Set();
