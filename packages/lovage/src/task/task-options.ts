/** What a task says about itself: options as the user writes them, and their whole form. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { didYouMean } from "../kernel/did-you-mean.ts";
import { type Duration, durationSeconds } from "../kernel/durations.ts";
import { ConfigError } from "../kernel/errors.ts";
import { isPriority, priorityIs } from "../kernel/priority.ts";
import { type ResolvedRetryPolicy, type RetryPolicy, resolveRetryPolicy } from "./retry-policy.ts";
import { type LimitOptions, type ResolvedUnique, resolveLimits, resolveUnique, type TaskLimits } from "./task-limits.ts";

/**
 * Which failures of a task are kept as dead letters, to be looked at and replayed: "exhausted": when its retries are used up;
 * "failures": every one; "never": none. What no code of the task can answer for (poison, unreadable, unknown) is kept in any case.
 */
export type DeadLetterPolicy = "exhausted" | "failures" | "never";

export interface TaskOptions extends LimitOptions {
  /** Where it is sent unless the call or a route says otherwise. */
  readonly queue?: string;
  /** 0 = most urgent, 9 = least. */
  readonly priority?: number;
  /** After this the runner is stopped by force: seconds or "10m". null: none, whatever the app says. @celery time_limit */
  readonly timeLimit?: Duration | null;
  /** After this the run's signal aborts with `SoftTimeLimitError`. @celery soft_time_limit */
  readonly softTimeLimit?: Duration | null;
  /** Without it a thrown error is final. `run.retry()` works either way. */
  readonly retry?: RetryPolicy;
  /** false: acknowledged when it starts, so never run twice, and lost with its runner. Absent: the app's `taskAcksLate`. */
  readonly acksLate?: boolean;
  /** Which of its failures are kept as dead letters. Absent: the app's `taskDeadLetter`. */
  readonly deadLetter?: DeadLetterPolicy;
  readonly ignoreResult?: boolean;
  /** Store STARTED when it begins. Absent: the app's `taskTrackStarted`. */
  readonly trackStarted?: boolean;
  /** false: workers say nothing of what becomes of it. @celery send_events @defaultValue true */
  readonly sendEvents?: boolean;
  /** "python": progress also becomes Celery's custom state PROGRESS, for Python readers. */
  readonly track?: "python";
  /** Refused if it has not started this long after it was sent. */
  readonly expires?: Duration;
  /** Names of the handler's parameters in order, so that keyword arguments (from Python) bind. */
  readonly params?: readonly string[];
  /** Runs once per runner before it takes work: load a model, open a pool. */
  readonly setup?: () => unknown;
  readonly teardown?: () => unknown;
}

/** The handler takes one object, checked against the schema when sent and when received. Keyword arguments are that object. */
export interface TaskOptionsWithInput<S extends StandardSchemaV1> extends Omit<TaskOptions, "params"> {
  readonly input: S;
}

/**
 * A task for `linkError` that is told what failed and why: `(request, error, traceback)`. It is sent like any other task, in
 * one step with the failure, and stores no result.
 */
export interface ErrbackOptions extends Omit<TaskOptions, "params"> {
  readonly errback: true;
  /** Names of all its parameters, those three first, for signatures that bind others by name. */
  readonly params?: readonly string[];
}

/** Options in their whole form: seconds, and null where nothing was said. */
export interface TaskSettings {
  readonly queue: string | null;
  readonly priority: number | null;
  /** Seconds. undefined: the app's. */
  readonly timeLimit: number | null | undefined;
  readonly softTimeLimit: number | null | undefined;
  readonly retry: ResolvedRetryPolicy | null;
  readonly acksLate: boolean | null;
  readonly deadLetter: DeadLetterPolicy | null;
  readonly ignoreResult: boolean | null;
  readonly trackStarted: boolean | null;
  readonly sendEvents: boolean;
  readonly track: "python" | null;
  /** Seconds. */
  readonly expires: number | null;
  readonly params: readonly string[] | null;
  readonly input: StandardSchemaV1 | null;
  readonly errback: boolean;
  /** null: none. */
  readonly limits: TaskLimits | null;
  readonly unique: ResolvedUnique | null;
  readonly setup: (() => unknown) | null;
  readonly teardown: (() => unknown) | null;
}

/** All of them, for callers whose code no compiler has seen. */
const known: Readonly<Record<keyof TaskOptions | "input" | "errback", true>> = {
  queue: true,
  priority: true,
  timeLimit: true,
  softTimeLimit: true,
  retry: true,
  acksLate: true,
  deadLetter: true,
  ignoreResult: true,
  trackStarted: true,
  sendEvents: true,
  track: true,
  expires: true,
  params: true,
  input: true,
  errback: true,
  rateLimit: true,
  concurrency: true,
  unique: true,
  setup: true,
  teardown: true,
};

/** @throws {ConfigError} LOVAGE_TASK_INVALID or LOVAGE_DURATION_INVALID, naming task and option. */
export function resolveTaskOptions(
  task: string,
  options: TaskOptions & { readonly input?: StandardSchemaV1; readonly errback?: true },
): TaskSettings {
  for (const option in options)
    if (!(option in known)) invalid(task, `there is no option "${option}"`, didYouMean(option, Object.keys(known)));
  const where = (option: string) => `Task "${task}": ${option}`;
  const limit = (option: "timeLimit" | "softTimeLimit") => {
    const value = options[option];
    return value === undefined || value === null ? value : durationSeconds(value, where(option));
  };
  const settings: TaskSettings = {
    queue: options.queue ?? null,
    priority: options.priority ?? null,
    timeLimit: limit("timeLimit"),
    softTimeLimit: limit("softTimeLimit"),
    retry: options.retry === undefined ? null : resolveRetryPolicy(options.retry),
    acksLate: options.acksLate ?? null,
    deadLetter: options.deadLetter ?? null,
    ignoreResult: options.ignoreResult ?? null,
    trackStarted: options.trackStarted ?? null,
    sendEvents: options.sendEvents ?? true,
    track: options.track ?? null,
    expires: options.expires === undefined ? null : durationSeconds(options.expires, where("expires")),
    params: options.params ?? null,
    input: options.input ?? null,
    errback: options.errback ?? false,
    limits: resolveLimits(task, options, (problem) => invalid(task, problem)),
    unique: resolveUnique(task, options.unique, (problem) => invalid(task, problem)),
    setup: options.setup ?? null,
    teardown: options.teardown ?? null,
  };
  check(task, settings);
  return settings;
}

export const deadLetterPolicies: readonly DeadLetterPolicy[] = ["exhausted", "failures", "never"];

function check(task: string, settings: TaskSettings): void {
  const { timeLimit, softTimeLimit, params, input, priority } = settings;
  if (typeof timeLimit === "number" && typeof softTimeLimit === "number" && softTimeLimit > timeLimit)
    invalid(task, `softTimeLimit (${softTimeLimit} s) is above timeLimit (${timeLimit} s): it could never be reached. Lower it`);
  if (settings.deadLetter !== null && !deadLetterPolicies.includes(settings.deadLetter))
    invalid(task, `deadLetter is ${JSON.stringify(settings.deadLetter)}: expected one of ${deadLetterPolicies.join(", ")}`);
  if (priority !== null && !isPriority(priority)) invalid(task, `priority is ${JSON.stringify(priority)}: expected ${priorityIs}`);
  if (params !== null && input !== null) invalid(task, `declares both params and input: keyword arguments bind by one of them. Keep one`);
  if (params !== null && new Set(params).size !== params.length)
    invalid(task, `params are ${JSON.stringify(params)}: expected names that differ`);
}

function invalid(task: string, problem: string, hint = ""): never {
  throw new ConfigError("LOVAGE_TASK_INVALID", `Task "${task}": ${problem}.${hint}`, { details: { task } });
}
