/** A pool in the form of Celery's pool of its kind: monitors read it (celery-wire.md §10.4). */
import type { PoolPlan } from "../../../pool/pools.ts";

export interface PoolFacts {
  readonly plan: PoolPlan;
  /** Tasks at a time. */
  readonly capacity: number;
  /** Of the runners' processes, each once. */
  readonly pids: readonly number[];
  readonly runners: number;
  readonly maxTasks: number | null;
  /** Seconds. */
  readonly limits: { readonly soft: number | null; readonly hard: number | null };
  /** Tasks that each runner has begun. */
  readonly begun: readonly number[];
  readonly busyRunners: number;
}

export function poolInfo(facts: PoolFacts): Readonly<Record<string, unknown>> {
  const { plan, capacity, pids, runners, maxTasks, limits } = facts;
  const common = { implementation: `lovage:${plan.pool}`, "max-concurrency": capacity };
  switch (plan.pool) {
    case "solo":
      return { ...common, processes: pids, "max-tasks-per-child": maxTasks, "put-guarded-by-semaphore": true, timeouts: [] };
    case "threads":
      return { ...common, threads: runners };
    case "processes":
      return {
        ...common,
        processes: pids,
        "max-tasks-per-child": maxTasks ?? "N/A",
        "put-guarded-by-semaphore": false,
        timeouts: [limits.soft ?? 0, limits.hard ?? 0],
        writes: writesOf(facts),
      };
    default:
      return common;
  }
}

/** What Celery counts as it hands tasks to its processes; ours take them. */
function writesOf({ begun, busyRunners }: PoolFacts): Readonly<Record<string, unknown>> {
  const total = begun.reduce((sum, count) => sum + count, 0);
  const share = (count: number) => (count === 0 ? 0 : count / total).toFixed(2);
  return {
    total,
    avg: share(begun.length === 0 ? 0 : total / begun.length),
    all: begun.map(share).join(", "),
    raw: begun.join(", "),
    strategy: "fair",
    inqueues: { total: begun.length, active: busyRunners },
  };
}
