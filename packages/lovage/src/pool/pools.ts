/** The table of pools: the same machine with other numbers (design.md §2). Data, and the arithmetic of `-P`, `-c`, `--processes`. */
import { availableParallelism } from "node:os";
import { UsageError } from "../kernel/errors.ts";
import { rowsFor } from "./slot-table.ts";

export type PoolName = "async" | "processes" | "threads" | "solo" | "inline";
export type HostName = "process" | "thread" | "inline";

export interface PoolKind {
  readonly name: PoolName;
  /** Celery's names for it. */
  readonly aliases: readonly string[];
  readonly host: HostName;
  /** Whether `-c` counts runners (one slot each) or the slots of each runner. */
  readonly concurrencyCounts: "runners" | "slots";
  readonly defaultConcurrency: () => number;
  /** The only `-c` it can serve; null: any. */
  readonly fixedConcurrency: number | null;
  readonly multipliedByProcesses: boolean;
}

const cores = () => availableParallelism();

export const pools: readonly PoolKind[] = [
  pool("async", ["gevent", "eventlet"], "process", "slots", () => 100, null, true),
  pool("processes", ["prefork"], "process", "runners", cores, null, false),
  pool("threads", [], "thread", "runners", cores, null, false),
  pool("solo", [], "process", "runners", () => 1, 1, false),
  pool("inline", [], "inline", "slots", () => 10, null, false),
];

export interface PoolPlan {
  readonly pool: PoolName;
  readonly host: HostName;
  readonly runners: number;
  /** Of each runner. */
  readonly slots: number;
  /** Of these, at the start; the others open when the node grows. */
  readonly openSlots: number;
  /** At the start. */
  readonly concurrency: number;
}

/** Whether a task that ends its process may take others along: it can grow to several. In `inline` it takes the whole node. */
export const sharesProcess = ({ pool }: PoolPlan): boolean => pool === "async" || pool === "threads";

export interface PoolWish {
  /** @celery worker_pool, -P @defaultValue "async" */
  readonly pool?: string;
  /** @celery worker_concurrency, -c */
  readonly concurrency?: number;
  /** Runner processes of the `async` pool. @defaultValue 1 */
  readonly processes?: number;
  /** In place of the concurrency: it grows and shrinks between these. A `min` of 0 means 1: somebody has to listen. */
  readonly autoscale?: { readonly max: number; readonly min: number };
}

export function findPool(name: string): PoolKind {
  const found = pools.find((kind) => kind.name === name || kind.aliases.includes(name));
  if (found) return found;
  const known = pools.map((kind) => [kind.name, ...kind.aliases].join(" = ")).join(", ");
  throw new UsageError("LOVAGE_POOL_UNKNOWN", `There is no pool "${name}". Use one of: ${known}.`, { details: { pool: name } });
}

/** How many runners with how many slots. @throws {UsageError} for numbers that the pool cannot serve. */
export function planPool({ autoscale, ...wish }: PoolWish): PoolPlan {
  if (autoscale === undefined) return fixedPlan(wish);
  const { max, min } = autoscale;
  const bound = mostOf(findPool(wish.pool ?? "async"));
  const most = fixedPlan({ ...wish, concurrency: wholeNumber("the maximum of --autoscale", max, bound) });
  const least = Math.max(1, min);
  if (wholeNumber("the minimum of --autoscale", least, bound) > max || scalesBy(most) === null)
    throw new UsageError(
      "LOVAGE_POOL_AUTOSCALE",
      `The pool "${most.pool}" cannot grow from ${min} to ${max}: give --autoscale max,min to async, processes, threads or inline.`,
      { details: { pool: most.pool, autoscale } },
    );
  const plan = scalesBy(most) === "runners" ? { ...most, runners: least } : { ...most, openSlots: least };
  return { ...plan, concurrency: plan.runners * plan.openSlots };
}

/** In what a pool of this kind grows and shrinks; null: it has one size. */
export function scalesBy({ pool: name, slots }: PoolPlan): "runners" | "slots" | null {
  const kind = findPool(name);
  if (kind.fixedConcurrency !== null) return null;
  if (kind.concurrencyCounts === "runners") return "runners";
  // A runner of one slot is killed for its one task: it must not get neighbours.
  return slots > 1 ? "slots" : null;
}

function fixedPlan(wish: Omit<PoolWish, "autoscale">): PoolPlan {
  const kind = findPool(wish.pool ?? "async");
  const concurrency = wholeNumber("concurrency (-c)", wish.concurrency ?? kind.defaultConcurrency(), mostOf(kind));
  const processes = wholeNumber("processes (--processes)", wish.processes ?? 1, mostRunners);
  if (kind.fixedConcurrency !== null && concurrency !== kind.fixedConcurrency)
    throw new UsageError(
      "LOVAGE_POOL_CONCURRENCY",
      `The pool "${kind.name}" runs ${kind.fixedConcurrency} task at a time; it was asked for ${concurrency}. Leave -c out, or use -P processes -c ${concurrency}.`,
      { details: { pool: kind.name, concurrency } },
    );
  if (processes !== 1 && !kind.multipliedByProcesses)
    throw new UsageError(
      "LOVAGE_POOL_PROCESSES",
      `--processes ${processes} is for the pool "async"; "${kind.name}" takes its number of runners from -c.`,
      { details: { pool: kind.name, processes } },
    );
  const runners = kind.concurrencyCounts === "runners" ? concurrency : processes;
  const slots = kind.concurrencyCounts === "runners" ? 1 : concurrency;
  return { pool: kind.name, host: kind.host, runners, slots, openSlots: slots, concurrency: runners * slots };
}

/** More is a slip of the hand, or somebody's wish to take the machine down: each is a process or a thread. */
const mostRunners = 1000;
const mostSlots = 10_000;

/** Tasks at a time that a pool may grow to while it runs. */
export function mostAtOnce(plan: PoolPlan): number {
  return scalesBy(plan) === "runners" ? mostRunners : plan.runners * Math.min(mostSlots, rowsFor(plan.slots));
}

const mostOf = (kind: PoolKind): number => (kind.concurrencyCounts === "runners" ? mostRunners : mostSlots);

function wholeNumber(what: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError("LOVAGE_POOL_NUMBER", `${what} has to be a whole number from 1 to ${most}, not ${String(value)}.`, {
    details: { value },
  });
}

function pool(
  name: PoolName,
  aliases: readonly string[],
  host: HostName,
  concurrencyCounts: "runners" | "slots",
  defaultConcurrency: () => number,
  fixedConcurrency: number | null,
  multipliedByProcesses: boolean,
): PoolKind {
  return { name, aliases, host, concurrencyCounts, defaultConcurrency, fixedConcurrency, multipliedByProcesses };
}
