/**
 * The last outcomes that the store has taken, so that a store which comes back older than it was (failover, lost tail of
 * its log) gets them again instead of a second run. A ring: at full speed it covers the last moments, at work of seconds
 * the last minute.
 */
import type { Attempt } from "../../upkeep/attempt.ts";

/** More would survive the collection of young objects, and be copied by it: about half a microsecond per task at 1,024. */
const kept = 256;
const keptMs = 60_000;

export class RecentOutcomes {
  readonly #ring: (Attempt | undefined)[] = new Array(kept);
  readonly #appliedAt = new Float64Array(kept);

  /** `now`: monotonic milliseconds. */
  add(attempt: Attempt, now: number): void {
    const at = attempt.commit.delivery.number % kept;
    this.#ring[at] = attempt;
    this.#appliedAt[at] = now;
  }

  has(number: number): boolean {
    return this.#ring[number % kept]?.commit.delivery.number === number;
  }

  take(number: number, now: number): Attempt | undefined {
    const at = number % kept;
    const attempt = this.#ring[at];
    if (attempt?.commit.delivery.number !== number || now - (this.#appliedAt[at] ?? 0) > keptMs) return undefined;
    this.#ring[at] = undefined;
    return attempt;
  }
}
