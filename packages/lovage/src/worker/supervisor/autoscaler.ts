/**
 * Keeps a node between two sizes: more while all that it has is busy and messages wait, fewer when some of it was not needed
 * for a while. Asks the store only while all is busy.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service } from "../../kernel/service.ts";
import type { PoolSize } from "./pool-size.ts";
import type { Workload } from "./workload.ts";

/** Tasks at a time. */
export interface ScaleRange {
  readonly max: number;
  readonly min: number;
}

export interface AutoscalerOptions {
  readonly range: ScaleRange;
  /** Milliseconds for which something was not needed before it goes. @defaultValue 30 s, as in Celery */
  readonly keepAliveMs: number;
  readonly size: PoolSize;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workload: Pick<Workload, "running" | "waiting">;
}

const lookEveryMs = 1000;

export class Autoscaler {
  readonly service: Service;
  readonly #options: AutoscalerOptions;
  #range: ScaleRange;
  /** Since then no more than `#needed` were needed. */
  #quietSince: number;
  #needed = 0;

  constructor(options: AutoscalerOptions) {
    const { clock, log, range } = options;
    this.#options = options;
    this.#range = range;
    this.#quietSince = clock.monotonic();
    const onError = (error: unknown) => log.warn("autoscaler.look-failed", { error });
    this.service = createLoop({ clock, everyMs: lookEveryMs, turn: () => this.#look(), onError });
  }

  get range(): ScaleRange {
    return this.#range;
  }

  /** What is not given stays. @throws {UsageError} as `PoolSize.check`. */
  async update({ max, min }: Partial<ScaleRange>): Promise<ScaleRange> {
    const { size } = this.#options;
    const most = Math.max(1, max ?? this.#range.max);
    size.check(most);
    this.#range = { max: most, min: Math.min(most, Math.max(1, min ?? this.#range.min)) };
    await size.resize(Math.min(this.#range.max, Math.max(this.#range.min, size.capacity)));
    return this.#range;
  }

  async #look(): Promise<undefined> {
    const { size, workload, clock } = this.#options;
    const { max } = this.#range;
    const busy = await workload.running();
    if (busy >= size.capacity) {
      this.#quiet(0);
      if (size.capacity < max) await size.resize(Math.min(max, size.capacity + (await workload.waiting())));
      return;
    }
    this.#needed = Math.max(this.#needed, busy);
    if (clock.monotonic() - this.#quietSince < this.#options.keepAliveMs) return;
    await size.resize(Math.max(this.#range.min, this.#needed));
    this.#quiet(busy);
  }

  #quiet(needed: number): void {
    this.#quietSince = this.#options.clock.monotonic();
    this.#needed = needed;
  }
}
