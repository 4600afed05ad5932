/** What a campaign does, as data. `main.ts` has the long ones, the tests beside have short ones. */
import type { WorkerPart } from "lovage/testing";

export const storeKinds = ["redis", "sqlite"] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface Plan {
  readonly seed: number;
  readonly store: StoreKind;
  /** Each sends its tasks, has its faults, and is over when all tasks have their results. */
  readonly rounds: number;
  readonly tasksPerRound: number;
  /** Of these tasks, how many of a hundred belong to chords of four members and a body. */
  readonly chordPercent: number;
  /** A task takes up to so many milliseconds. */
  readonly mostMs: number;
  readonly nodes: readonly NodePlan[];
  /** Parts of worker nodes that get SIGKILL, as often as they are named; dealt in an order by chance, then dealt anew. */
  readonly kills: readonly WorkerPart[];
  /** The first parts of each round that are dealt; the others follow while the round lasts. */
  readonly killsPerRound: number;
  /** Milliseconds between two kills: at least, at most. */
  readonly pauseMs: readonly [number, number];
  /** Rounds in which the Redis is restarted, by kill -9 and in order by turns. */
  readonly restarts: readonly number[];
  /** Rounds in which the Redis is frozen for `frozenMs`. */
  readonly freezes: readonly number[];
  /** Rounds in which parts of worker nodes are frozen for `frozenMs`, each a node of its own. */
  readonly zombies: readonly { readonly round: number; readonly parts: readonly WorkerPart[] }[];
  readonly frozenMs: number;
  /** Of each script, every n-th reply to the workers and to the sender is swallowed and its connection reset. 0: none. */
  readonly dropEvery: number;
}

export interface NodePlan {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Nothing happens: for what a test does by hand. */
export const calm: Omit<Plan, "store" | "nodes"> = {
  ...{ seed: 1, rounds: 0, tasksPerRound: 0, chordPercent: 0, mostMs: 0 },
  ...{ kills: [], killsPerRound: 0, pauseMs: [0, 0], restarts: [], freezes: [], zombies: [], frozenMs: 0, dropEvery: 0 },
};

export const nodes: readonly NodePlan[] = [
  { name: "processes", args: ["-P", "processes", "-c", "3"] },
  { name: "async", args: ["-P", "async", "-c", "40"] },
  { name: "threads", args: ["-P", "threads", "-c", "2"] },
];

/** `count` of `rounds`, spread evenly; never the first. */
export const spread = (count: number, rounds: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Math.min(rounds - 1, Math.floor(((i + 1) * rounds) / (count + 1))));
