/**
 * Moves parked messages that are due to the front of their queues, by the store's clock alone. Any number may run; promoting
 * twice moves nothing twice. It parks nothing itself and knows no task.
 *
 * Two ways to run: with an idle look every few seconds (one per node), and kicked only (in each runner, for what it parked
 * itself, so that a retry in 200 ms is not late).
 */
import type { Leases } from "../broker/leases.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";

/** Messages per call; more are due: the next call follows at once. */
const batch = 1000;
/** Milliseconds between two promotions of a steady trickle: 200 calls/s at most, and 2.5 ms late on average. */
const shortestPauseMs = 5;
/** Kicks for later are left to the idle look of some node, which sees the next due time and sets its timer to it. */
const farKickMs = 60_000;

/** Milliseconds between looks of a node's own promoter while nothing is known to be due. */
export const idleLookMs = 5000;

export interface PromoterOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between looks while nothing is known to be due; null: only when kicked. @defaultValue 5000 */
  readonly idleLookMs?: number | null;
  /** Called with the number of messages moved, if any. */
  readonly onPromoted?: (promoted: number) => void;
}

export class Promoter implements Service {
  readonly #options: PromoterOptions;
  readonly #idleLookMs: number | null;
  /** Own monotonic time of the next look. */
  #nextLook = Number.POSITIVE_INFINITY;
  /** Kicked only: follow the store's next due time until here (own monotonic time), then sleep for good. */
  #followUntil = Number.NEGATIVE_INFINITY;
  #nap = new AbortController();
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: PromoterOptions) {
    this.#options = options;
    this.#idleLookMs = options.idleLookMs === undefined ? idleLookMs : options.idleLookMs;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    this.#stopping = false;
    if (this.#idleLookMs !== null) this.#nextLook = this.#options.clock.monotonic();
    this.#running = this.#repeat();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#nap.abort();
    await this.#running;
    this.#running = undefined;
  }

  /** Something was parked until `inMs` from now. */
  kick(inMs: number): void {
    if (inMs > farKickMs) return;
    const at = this.#options.clock.monotonic() + Math.max(0, inMs);
    // A little longer than the time itself: the store decides what is due, and its clock may be a moment behind.
    this.#followUntil = Math.max(this.#followUntil, at + 1000);
    if (at >= this.#nextLook) return;
    this.#nextLook = at;
    this.#nap.abort();
  }

  /** Something waits for a time that only the store knows: look now, and at what it says is due in the next `forMs`. */
  follow(forMs: number): void {
    this.kick(0);
    this.#followUntil = Math.max(this.#followUntil, this.#options.clock.monotonic() + forMs);
  }

  async #repeat(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stopping) {
      const pause = this.#nextLook - clock.monotonic();
      if (pause > 0) {
        await this.#sleep(pause);
        continue;
      }
      this.#nextLook = Number.POSITIVE_INFINITY;
      try {
        await this.#promote();
      } catch (error) {
        log.warn("promoter.failed", { error });
        this.#wakeIn(this.#idleLookMs ?? 1000);
      }
    }
  }

  async #promote(): Promise<void> {
    const { promoted, nextDueMs, storeNow } = await this.#options.leases.promote(batch);
    if (promoted > 0) this.#options.onPromoted?.(promoted);
    if (promoted >= batch) return this.#wakeIn(0);
    const dueIn = nextDueMs === null ? Number.POSITIVE_INFINITY : Math.max(shortestPauseMs, nextDueMs - storeNow);
    if (this.#idleLookMs !== null) return this.#wakeIn(Math.min(dueIn, this.#idleLookMs));
    if (this.#options.clock.monotonic() < this.#followUntil) this.#wakeIn(dueIn);
  }

  #wakeIn(ms: number): void {
    this.#nextLook = Math.min(this.#nextLook, this.#options.clock.monotonic() + ms);
  }

  /** Until the time comes, a kick or the stop. A timer holds 24.8 days at most, so does this. */
  async #sleep(ms: number): Promise<void> {
    this.#nap = new AbortController();
    if (this.#stopping) return;
    await this.#options.clock.sleep(Math.min(ms, 2 ** 31 - 1), this.#nap.signal).catch(() => undefined);
  }
}
