/** What a task says about how often, and how many at a time, it may run, and about calls that are the same. */
import { unknownField } from "../kernel/fields.ts";
import { type Rate, rateIntervalMs } from "../kernel/rate.ts";

/** Tells calls apart by their arguments, as the handler gets them. */
// biome-ignore lint/suspicious/noExplicitAny: the handler's own parameters, which stand elsewhere
export type KeyOf = (...args: any[]) => string | number | boolean;

export interface RateLimit {
  /** "10/s", "100/m", "5/h", or starts per second. Starts are spread evenly over the time. */
  readonly limit: Rate;
  /** "global": over all nodes. "node": each node for itself, as Celery's. @defaultValue "global" */
  readonly scope?: "global" | "node";
  /** A limit of its own for each of these. @example (url: string) => new URL(url).host */
  readonly per?: KeyOf;
  /** Tasks that name the same one share it. @defaultValue the task's name */
  readonly name?: string;
  /** So many may start at once after a pause; then at most `limit + burst - 1` in any such time. @defaultValue 1 */
  readonly burst?: number;
}

export interface ConcurrencyLimit {
  /** Runs at a time, over all nodes. */
  readonly limit: number;
  readonly per?: KeyOf;
  readonly name?: string;
}

export interface UniqueOptions {
  /** Calls that give the same are the same. @defaultValue all arguments */
  readonly key?: KeyOf;
  /** How long a call keeps others out: until it starts, or until it has ended, retries included. @defaultValue "done" */
  readonly until?: "start" | "done";
  /** Milliseconds from the send after which it keeps nobody out any more, whatever became of it. Absent: no such end. */
  readonly forMs?: number;
  /** Tasks that name the same one keep each other out. @defaultValue the task's name */
  readonly name?: string;
}

export interface LimitOptions {
  /**
   * How often it may start: a rate for each node by itself (@celery rate_limit), or limits over all nodes, several at once. What
   * has to wait takes no slot. null or 0: none, whatever the app's `taskDefaultRateLimit` says.
   */
  readonly rateLimit?: Rate | RateLimit | readonly RateLimit[] | null;
  /** How many may run at a time, over all nodes. */
  readonly concurrency?: number | ConcurrencyLimit;
  /** A call while the same one waits or runs is not sent: its handle is the first one's. */
  readonly unique?: boolean | UniqueOptions;
}

export interface ResolvedRate {
  /** As it was written. */
  readonly limit: Rate;
  readonly intervalMs: number;
  readonly scope: "global" | "node";
  readonly per: KeyOf | null;
  readonly name: string;
  readonly burst: number;
}

export interface TaskLimits {
  /** null: nothing was said, the app's default applies. */
  readonly rates: readonly ResolvedRate[] | null;
  readonly concurrency: { readonly most: number; readonly per: KeyOf | null; readonly name: string } | null;
}

export interface ResolvedUnique {
  readonly key: KeyOf | null;
  readonly until: "start" | "done";
  readonly forMs: number | null;
  readonly name: string;
}

/** Says what is wrong with an option; throws. */
export type Refuse = (problem: string) => never;

/** null: nothing was said. */
export function resolveLimits(task: string, { rateLimit, concurrency }: LimitOptions, refuse: Refuse): TaskLimits | null {
  if (rateLimit === undefined && concurrency === undefined) return null;
  return {
    rates: rateLimit === undefined ? null : ratesOf(task, rateLimit, refuse),
    concurrency: concurrency === undefined ? null : concurrencyOf(task, concurrency, refuse),
  };
}

function ratesOf(task: string, given: NonNullable<LimitOptions["rateLimit"]> | null, refuse: Refuse): readonly ResolvedRate[] {
  if (given === null) return [];
  if (typeof given !== "object") return rateOf(task, { limit: given, scope: "node" }, refuse);
  return (Array.isArray(given) ? given : [given]).flatMap((one: RateLimit) => rateOf(task, one, refuse));
}

function rateOf(task: string, given: RateLimit, refuse: Refuse): readonly ResolvedRate[] {
  mustBeOptions("rateLimit", given, rateFields, 'starts per second, text such as "10/s", "100/m", "5/h", or', refuse);
  const { limit, scope = "global", per, name = task, burst = 1 } = given;
  const intervalMs = typeof limit === "number" || typeof limit === "string" ? rateIntervalMs(limit) : undefined;
  if (intervalMs === undefined)
    refuse(`rateLimit is ${JSON.stringify(limit)}: expected starts per second, or text such as "10/s", "100/m", "5/h"`);
  if (scope !== "global" && scope !== "node") refuse(`rateLimit's scope is ${JSON.stringify(scope)}: expected "global" or "node"`);
  if (!isWhole(burst)) refuse(`rateLimit's burst is ${JSON.stringify(burst)}: expected a whole number of at least 1`);
  if (!isKeyOf(per)) refuse("rateLimit's per is no function: expected (...args) => key");
  return intervalMs === null ? [] : [{ limit, intervalMs, scope, per: per ?? null, name: named(name, "rateLimit", refuse), burst }];
}

function concurrencyOf(task: string, given: number | ConcurrencyLimit, refuse: Refuse): TaskLimits["concurrency"] {
  const options = typeof given === "number" ? { limit: given } : given;
  mustBeOptions("concurrency", options, concurrencyFields, "a whole number of at least 1, or", refuse);
  const { limit, per, name = task } = options;
  if (!isWhole(limit)) refuse(`concurrency is ${JSON.stringify(limit)}: expected a whole number of at least 1`);
  if (!isKeyOf(per)) refuse("concurrency's per is no function: expected (...args) => key");
  return { most: limit, per: per ?? null, name: named(name, "concurrency", refuse) };
}

/** null: it is not unique. */
export function resolveUnique(task: string, given: LimitOptions["unique"], refuse: Refuse): ResolvedUnique | null {
  if (given === undefined || given === false) return null;
  const options = given === true ? {} : given;
  mustBeOptions("unique", options, uniqueFields, "true, false or", refuse);
  const { key, until = "done", forMs, name = task } = options;
  if (!isKeyOf(key)) refuse("unique's key is no function: expected (...args) => key");
  if (until !== "start" && until !== "done") refuse(`unique's until is ${JSON.stringify(until)}: expected "start" or "done"`);
  if (forMs !== undefined && !(Number.isFinite(forMs) && forMs > 0))
    refuse(`unique's forMs is ${JSON.stringify(forMs)}: expected milliseconds above 0`);
  return { key: key ?? null, until, forMs: forMs ?? null, name: named(name, "unique", refuse) };
}

const rateFields = ["limit", "scope", "per", "name", "burst"] as const satisfies readonly (keyof RateLimit)[];
const concurrencyFields = ["limit", "per", "name"] as const satisfies readonly (keyof ConcurrencyLimit)[];
const uniqueFields = ["key", "until", "forMs", "name"] as const satisfies readonly (keyof UniqueOptions)[];

/** `or`: what else it may be. */
function mustBeOptions(option: string, given: unknown, fields: readonly string[], or: string, refuse: Refuse): void {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const expected = isObject ? unknownField(given, fields) : `${or} { ${fields.join(", ")} }`;
  if (expected !== undefined) refuse(`${option} is ${JSON.stringify(given)}: expected ${expected}`);
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isKeyOf = (value: unknown): value is KeyOf | undefined => value === undefined || typeof value === "function";

function named(name: unknown, option: string, refuse: Refuse): string {
  return typeof name === "string" && name !== ""
    ? name
    : refuse(`${option}'s name is ${JSON.stringify(name)}: expected text that is not empty`);
}
