/** How long to wait before the next attempt. Pure: the random number comes from outside. */
import { type Duration, durationSeconds } from "./durations.ts";
import { ConfigError } from "./errors.ts";

/**
 * - "none": exactly the computed delay.
 * - "full": a random part of it, from nothing to all of it.
 * - "equal": half of it, and a random part of the other half.
 * - "celery": full, in whole seconds from 0 to the delay inclusive, as Celery draws it (celery-wire.md §8.3).
 */
export type Jitter = "none" | "full" | "equal" | "celery";

export interface Backoff {
  /** Milliseconds before the first retry. */
  readonly firstMs: number;
  /** Each further delay is this many times the one before. 1: always the same. */
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: Jitter;
}

export interface ExponentialOptions {
  /** Delay before the first retry: seconds, or text with a unit. @defaultValue "1s" */
  readonly first?: Duration;
  /** @defaultValue 2 */
  readonly factor?: number;
  /** No delay is longer. @defaultValue "10m" */
  readonly max?: Duration;
  /** @defaultValue "full" */
  readonly jitter?: Jitter;
}

/**
 * Delays that grow: first, first·factor, first·factor²… up to `max`.
 * @example exponential({ first: "2s", max: "10m", jitter: "none" }) // 2 s, 4 s, 8 s …
 * @throws {ConfigError} when a duration cannot be read or the factor is below 1.
 */
export function exponential(options: ExponentialOptions | Duration = {}): Backoff {
  const given = typeof options === "object" ? options : { first: options };
  const factor = given.factor ?? 2;
  if (!Number.isFinite(factor) || factor < 1)
    throw new ConfigError("LOVAGE_BACKOFF_INVALID", `backoff factor is ${factor}: expected a number of at least 1.`);
  return {
    firstMs: durationSeconds(given.first ?? 1, "backoff first") * 1000,
    factor,
    maxMs: durationSeconds(given.max ?? "10m", "backoff max") * 1000,
    jitter: checkedJitter(given.jitter ?? "full"),
  };
}

/** The same delay before every retry. */
export function fixed(delay: Duration, jitter: Jitter = "none"): Backoff {
  const ms = durationSeconds(delay, "backoff delay") * 1000;
  return { firstMs: ms, factor: 1, maxMs: ms, jitter: checkedJitter(jitter) };
}

/** `retry_backoff=True`: 1, 2, 4 … up to 600 s, each drawn between 0 and itself in whole seconds (celery-wire.md §8.3). */
export const celeryBackoff: Backoff = { firstMs: 1000, factor: 2, maxMs: 600_000, jitter: "celery" };

/** @param retries attempts that failed before this one: 0 for the first retry. @param random in [0, 1). */
export function backoffDelayMs(backoff: Backoff, retries: number, random: () => number = Math.random): number {
  // 2 ** 1024 is Infinity, and Infinity · 0 is not a number: the cap comes first.
  const growth = backoff.factor ** Math.min(retries, 1000);
  const delay = backoff.firstMs === 0 ? 0 : Math.min(backoff.maxMs, backoff.firstMs * growth);
  if (backoff.jitter === "none") return delay;
  if (backoff.jitter === "full") return Math.round(delay * random());
  if (backoff.jitter === "equal") return Math.round((delay / 2) * (1 + random()));
  return Math.floor((Math.floor(delay / 1000) + 1) * random()) * 1000;
}

/** The shortest and the longest that jitter makes of a delay. */
export function backoffRangeMs(backoff: Backoff, retries: number): { readonly leastMs: number; readonly mostMs: number } {
  // The largest number below 1: what a random number can be.
  return { leastMs: backoffDelayMs(backoff, retries, () => 0), mostMs: backoffDelayMs(backoff, retries, () => 1 - Number.EPSILON) };
}

function checkedJitter(jitter: Jitter): Jitter {
  if (jitter === "none" || jitter === "full" || jitter === "equal" || jitter === "celery") return jitter;
  const text = `backoff jitter is ${JSON.stringify(jitter)}: expected "none", "full", "equal" or "celery".`;
  throw new ConfigError("LOVAGE_BACKOFF_INVALID", text);
}
