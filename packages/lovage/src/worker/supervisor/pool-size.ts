/**
 * How many tasks a node runs at a time, while it runs: more or fewer runners, or slots of them where a runner has many. Growing is
 * at once; what is too much takes no more work and goes when it has finished, idle ones first. It never ends what runs.
 */
import { UsageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { mostAtOnce, type PoolPlan, scalesBy } from "../../pool/pools.ts";
import type { RunnerPool } from "./runner-pool.ts";
import { tasksIn } from "./workload.ts";

export interface PoolSizeOptions {
  readonly pool: () => RunnerPool;
  readonly plan: PoolPlan;
  readonly log: Logger;
  /** It is another now: others want to know. */
  onChanged(): void;
}

export class PoolSize {
  readonly #options: PoolSizeOptions;
  readonly #by: "runners" | "slots" | null;
  #runners: number;
  #openSlots: number;

  constructor(options: PoolSizeOptions) {
    this.#options = options;
    this.#by = scalesBy(options.plan);
    this.#runners = options.plan.runners;
    this.#openSlots = options.plan.openSlots;
  }

  /** Tasks at a time. */
  get capacity(): number {
    return this.#runners * this.#openSlots;
  }

  /** Of each runner. */
  get openSlots(): number {
    return this.#openSlots;
  }

  /** @throws {UsageError} LOVAGE_POOL_FIXED: this pool has one size. LOVAGE_POOL_NUMBER: it cannot become as large. */
  check(capacity: number): void {
    const { plan } = this.#options;
    if (this.#by === null)
      throw new UsageError(
        "LOVAGE_POOL_FIXED",
        `The pool "${plan.pool}" of ${this.capacity} at a time cannot be made larger or smaller while it runs.`,
      );
    const most = mostAtOnce(plan);
    if (capacity > most)
      throw new UsageError(
        "LOVAGE_POOL_NUMBER",
        `This pool can grow to ${most} tasks at a time while it runs, not to ${capacity}. Start more nodes, or this one with a larger -c.`,
        { details: { pool: plan.pool, capacity, most } },
      );
  }

  /** @throws {UsageError} as `check`. Nothing has changed then. */
  async resize(capacity: number): Promise<void> {
    const { plan, log, pool, onChanged } = this.#options;
    const before = this.capacity;
    this.check(capacity);
    if (this.#by === "slots") this.#openSlots = Math.max(1, Math.ceil(capacity / plan.runners));
    else this.#runners = Math.max(1, capacity);
    if (this.capacity === before) return;
    log.info("pool.resized", { from: before, to: this.capacity });
    onChanged();
    if (this.#by === "runners") await this.#resizePool(pool());
    else
      for (const member of pool().members.filter(({ alone }) => !alone))
        member.runner.send({ t: "slots", epoch: member.epoch, count: this.#openSlots });
  }

  async #resizePool(pool: RunnerPool): Promise<void> {
    pool.resize(this.#runners);
    // The youngest first, where all are alike.
    const there = [...pool.lasting].reverse();
    const surplus = there.length - this.#runners;
    if (surplus <= 0) return;
    const taken = await Promise.all(there.map(tasksIn));
    const idleFirst = there.map((member, index) => ({ member, tasks: taken[index] ?? 0 })).sort((a, b) => a.tasks - b.tasks);
    for (const { member } of idleFirst.slice(0, surplus)) {
      member.endReason ??= "shrink";
      pool.retire(member);
    }
  }
}
