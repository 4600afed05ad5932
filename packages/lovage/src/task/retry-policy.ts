/** When and how a failed run is tried again. */
import { type Backoff, celeryBackoff, exponential, fixed } from "../kernel/backoff.ts";
import type { Duration } from "../kernel/durations.ts";
import { ConfigError } from "../kernel/errors.ts";
import type { RetryOverride } from "../message/task-message.ts";

// biome-ignore lint/suspicious/noExplicitAny: any error class, whatever its constructor takes
export type ErrorClass = abstract new (...args: any[]) => unknown;

/** A class (matched by `instanceof`), a stable code or name (`"ECONNRESET"`, `"LOVAGE_…"`, `"TypeError"`), or a test of one's own. */
export type RetryOn = ErrorClass | string | ((error: unknown) => boolean);

export interface RetryPolicy {
  /** Errors that are tried again, looked for along `cause` too. Absent: every error. @celery autoretry_for */
  readonly on?: readonly RetryOn[];
  /** Errors that are not, although `on` names them. @celery dont_autoretry_for */
  readonly not?: readonly RetryOn[];
  /** Retries after the first attempt; null: without end. @defaultValue 3 @celery max_retries */
  readonly max?: number | null;
  /**
   * `exponential({ first, factor, max, jitter })`, `"celery"` (1, 2, 4 … 600 s, each drawn between 0 and itself), or a fixed
   * delay ("30s", seconds). An error that carries Retry-After (`retryAfter`, or a response's header) is believed instead, up to
   * a day. @defaultValue exponential({ first: "1s", max: "10m" })
   */
  readonly backoff?: Backoff | "celery" | Duration;
}

/** A policy in its whole form. */
export interface ResolvedRetryPolicy {
  readonly on: readonly RetryOn[] | null;
  readonly not: readonly RetryOn[];
  /** null: without end. */
  readonly max: number | null;
  readonly backoff: Backoff;
}

export const defaultMaxRetries = 3;

export function resolveRetryPolicy(policy: RetryPolicy): ResolvedRetryPolicy {
  return {
    on: policy.on ?? null,
    not: policy.not ?? [],
    max: checkedMax(policy.max === undefined ? defaultMaxRetries : policy.max),
    backoff: resolveBackoff(policy.backoff ?? defaultBackoff),
  };
}

const defaultBackoff: Backoff = exponential();

function resolveBackoff(backoff: Backoff | "celery" | Duration): Backoff {
  if (backoff === "celery") return celeryBackoff;
  return typeof backoff === "object" ? backoff : fixed(backoff);
}

function checkedMax(max: number | null): number | null {
  if (max === null || (Number.isInteger(max) && max >= 0)) return max;
  throw new ConfigError("LOVAGE_RETRY_INVALID", `retry max is ${max}: expected a whole number (0 = never), or null for no end.`);
}

/** What travels with a call that brings its own numbers. */
export function retryOverride(retry: Pick<RetryPolicy, "max" | "backoff">): RetryOverride {
  return {
    ...(retry.max !== undefined && { max: checkedMax(retry.max) }),
    ...(retry.backoff !== undefined && { backoff: resolveBackoff(retry.backoff) }),
  };
}

/** Whether the policy covers the error. Looks along `cause`, at most ten deep, so that a wrapped error is recognised. */
export function isRetried(policy: ResolvedRetryPolicy, error: unknown): boolean {
  if (someCause(error, policy.not)) return false;
  return policy.on === null || someCause(error, policy.on);
}

function someCause(error: unknown, tests: readonly RetryOn[]): boolean {
  let current = error;
  for (let depth = 0; depth < 10 && current !== undefined && current !== null; depth++) {
    for (const test of tests) if (matches(test, current)) return true;
    current = typeof current === "object" ? (current as { cause?: unknown }).cause : undefined;
  }
  return false;
}

function matches(test: RetryOn, error: unknown): boolean {
  if (typeof test === "string") {
    if (typeof error !== "object" || error === null) return false;
    const { code, name } = error as { code?: unknown; name?: unknown };
    return code === test || name === test;
  }
  return isErrorClass(test) ? error instanceof test : test(error);
}

/** A class is told from a test by its prototype: arrow functions have none, plain functions a writable one. */
function isErrorClass(test: ErrorClass | ((error: unknown) => boolean)): test is ErrorClass {
  const prototype = Object.getOwnPropertyDescriptor(test, "prototype");
  if (prototype === undefined) return false;
  return prototype.writable === false || prototype.value instanceof Error || test === (Error as unknown);
}
