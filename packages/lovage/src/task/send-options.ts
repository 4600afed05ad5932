/** Options of one call, ours in camelCase, and their translation into Celery's signature options. */

import { correlationIdSays, isCorrelationId } from "../kernel/correlation-id.ts";
import { didYouMean } from "../kernel/did-you-mean.ts";
import { type Duration, durationSeconds } from "../kernel/durations.ts";
import { UsageError } from "../kernel/errors.ts";
import { unknownField } from "../kernel/fields.ts";
import { checkPriority } from "../kernel/priority.ts";
import type { LovageProperties, Signature, SignatureOptions, UniqueRequest } from "../message/task-message.ts";
import { formatWireTime } from "../message/wire-time.ts";
import type { Family } from "./family-stamps.ts";
import { whyNoQueueName } from "./queue-name.ts";
import { type RetryPolicy, retryOverride } from "./retry-policy.ts";
import { type SignatureLike, signatureJson } from "./signature-like.ts";
import type { Stamps } from "./stamping-visitor.ts";

export interface SendOptions {
  readonly queue?: string;
  /** 0 = most urgent on Redis and here, as in Celery; 0–9. */
  readonly priority?: number;
  /** Not before this many seconds from now (or "5m"). @celery countdown */
  readonly countdown?: Duration;
  /** Not before this moment. Text must carry its offset. */
  readonly eta?: Date | string;
  /** Refused if it has not started by then: seconds from now, "2h", or a moment. */
  readonly expires?: Duration | Date;
  readonly timeLimit?: Duration;
  readonly softTimeLimit?: Duration;
  /** Replaces the task's own `max` and `backoff` for this call; which errors are retried stays the task's affair. */
  readonly retry?: Pick<RetryPolicy, "max" | "backoff">;
  /** Travels with the message and its retries; tasks read it as `currentRun().headers`. */
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly ignoreResult?: boolean;
  readonly taskId?: string;
  /** Sent with the value when it succeeds. */
  readonly link?: SignatureLike | readonly SignatureLike[];
  /** Sent with the failed task's id when it fails. */
  readonly linkError?: SignatureLike | readonly SignatureLike[];
  /** Name shown in events and logs instead of the task's. */
  readonly shadow?: string;
  /**
   * The request that this belongs to: the stamp `correlation` of all its tasks, and of all that they send. Not Celery's
   * property `correlation_id`, which is the task's id.
   */
  readonly correlationId?: string;
  /** What it may be found and revoked by, such as `user:42`: the stamp `tags` of all its tasks, and of all that they send. */
  readonly tags?: readonly string[];
  /** Marks of all its tasks; see `stamp`. */
  readonly stamps?: Stamps;
  /**
   * Leaves this call out if the same one waits or runs, in place of what its task says: `key` tells which calls are the same.
   * false: sends it in any case.
   */
  readonly unique?: boolean | UniqueRequest;
  /** Keyword arguments, beside the positional ones. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** All of them, for callers whose code no compiler has seen. */
const known: Readonly<Record<keyof SendOptions, true>> = {
  queue: true,
  priority: true,
  countdown: true,
  eta: true,
  expires: true,
  timeLimit: true,
  softTimeLimit: true,
  retry: true,
  headers: true,
  ignoreResult: true,
  taskId: true,
  link: true,
  linkError: true,
  shadow: true,
  correlationId: true,
  tags: true,
  stamps: true,
  unique: true,
  kwargs: true,
};

/** @throws {UsageError} LOVAGE_SEND_OPTIONS_INVALID naming the option, {ConfigError} for an unreadable duration. */
export function toSignatureOptions(options: SendOptions): SignatureOptions {
  for (const name in options) if (!(name in known)) throw unknown(name);
  const out: Record<string, unknown> = {};
  if (options.taskId !== undefined) out.task_id = nonEmpty("taskId", options.taskId);
  if (options.queue !== undefined) out.queue = queueName(options.queue);
  checkPriority("Send option priority", options.priority);
  if (options.priority !== undefined) out.priority = options.priority;
  if (options.countdown !== undefined) out.countdown = durationSeconds(options.countdown, "countdown");
  if (options.eta !== undefined) out.eta = moment("eta", options.eta);
  if (options.expires !== undefined) out.expires = expiry(options.expires);
  if (options.timeLimit !== undefined) out.time_limit = durationSeconds(options.timeLimit, "timeLimit");
  if (options.softTimeLimit !== undefined) out.soft_time_limit = durationSeconds(options.softTimeLimit, "softTimeLimit");
  if (options.headers !== undefined) out.headers = options.headers;
  if (options.ignoreResult !== undefined) out.ignore_result = options.ignoreResult;
  if (options.shadow !== undefined) out.shadow = options.shadow;
  if (options.link !== undefined) out.link = signatures(options.link);
  if (options.linkError !== undefined) out.link_error = signatures(options.linkError);
  const lovage = lovageProperties(options);
  if (lovage !== undefined) out.lovage = lovage;
  return out;
}

/** An unknown option of a signature becomes a message property (celery-wire.md §6.1), so ours survives Python legs. */
function lovageProperties({ retry, unique }: SendOptions): LovageProperties | undefined {
  if (retry === undefined && unique === undefined) return undefined;
  return {
    ...(retry !== undefined && { retry: retryOverride(retry) }),
    ...(unique !== undefined && { uniqueBy: uniqueRequest(unique) }),
  };
}

/** Tags and the correlation id, which go to every task of a canvas; undefined: none are given. */
export function givenFamily({ tags, correlationId }: SendOptions): Family | undefined {
  if (tags === undefined && correlationId === undefined) return undefined;
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && tag !== "")))
    return refuse("tags", tags, "a list of strings that are not empty");
  if (correlationId !== undefined && !isCorrelationId(correlationId)) refuse("correlationId", correlationId, correlationIdSays);
  return { tags, correlation: correlationId };
}

const uniqueFields = ["key", "until", "forMs"] as const satisfies readonly (keyof UniqueRequest)[];

function uniqueRequest(unique: boolean | UniqueRequest): UniqueRequest | false {
  if (typeof unique === "boolean") return unique ? {} : false;
  if (typeof unique !== "object" || unique === null) return refuse("unique", unique, "true, false or { key, until, forMs }");
  const { key, until, forMs } = unique;
  const wrong = unknownField(unique, uniqueFields);
  if (wrong !== undefined) refuse("unique", unique, wrong);
  if (key !== undefined) nonEmpty("unique.key", key);
  if (until !== undefined && until !== "start" && until !== "done") refuse("unique.until", until, '"start" or "done"');
  if (forMs !== undefined && !(Number.isFinite(forMs) && forMs > 0)) refuse("unique.forMs", forMs, "milliseconds above 0");
  return { ...(key !== undefined && { key }), ...(until !== undefined && { until }), ...(forMs !== undefined && { forMs }) };
}

const signatures = (given: SignatureLike | readonly SignatureLike[]): Signature[] =>
  (Array.isArray(given) ? given : [given]).map((each: SignatureLike) => signatureJson(each));

function refuse(option: string, value: unknown, expected: string): never {
  throw new UsageError("LOVAGE_SEND_OPTIONS_INVALID", `Send option ${option} is ${JSON.stringify(value)}: expected ${expected}.`, {
    details: { option, value },
  });
}

function unknown(name: string): UsageError {
  const text = `There is no send option ${JSON.stringify(name)}.${didYouMean(name, Object.keys(known))}`;
  return new UsageError("LOVAGE_SEND_OPTIONS_INVALID", text, { details: { option: name } });
}

function nonEmpty(option: string, value: unknown): string {
  return typeof value === "string" && value !== "" ? value : refuse(option, value, "a string that is not empty");
}

function queueName(value: unknown): string {
  const why = typeof value === "string" ? whyNoQueueName(value) : "it has to be text";
  return why === undefined ? (value as string) : refuse("queue", value, `the name of a queue (${why})`);
}

function expiry(value: Duration | Date): number | string {
  return value instanceof Date ? moment("expires", value) : durationSeconds(value, "expires");
}

function moment(option: string, value: Date | string): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return formatWireTime(value.getTime());
  // A naive text would be taken as UTC by every worker, whatever the writer meant (celery-wire.md §2.3).
  if (typeof value === "string" && /(?:Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))) {
    return formatWireTime(Date.parse(value));
  }
  return refuse(option, value, "a Date, or ISO text with an offset such as 2030-01-02T03:04:05+00:00");
}
