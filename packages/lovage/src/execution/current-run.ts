/** The run as user code sees it. */
import type { Duration } from "../kernel/durations.ts";
import { UsageError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import type { HasHeaders, RetryAfter } from "../kernel/retry-after.ts";
import type { Signature, TaskId, TaskMessage } from "../message/task-message.ts";
import { type AmbientRun, ambientRuns } from "../task/ambient.ts";
import type { AsyncResult } from "../task/async-result.ts";
import type { AnyCanvas, OutOf, Whole } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import type { Callable } from "../task/task-definition.ts";
import type { RunEventData, RunEventName } from "./run-events.ts";

export interface RetryRequestOptions {
  /** Milliseconds until the next attempt. Absent: as the task's policy says. */
  readonly delayMs?: number;
  /** What a server said: a response with Retry-After, the header's text, seconds, or a moment. Nothing readable: as absent. */
  readonly after?: RetryAfter | HasHeaders | null;
  /** Why; it is stored meanwhile, and is what the task fails with when no retry is left. */
  readonly error?: unknown;
  /** Retries after the first attempt; null: without end. */
  readonly max?: number | null;
  /** Other arguments for the next attempt. */
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly priority?: number;
  /** Refused if the next attempt has not started this long from now. Absent: the message keeps its own. */
  readonly expires?: Duration;
}

export interface Run {
  readonly id: TaskId;
  /** Of the task that the whole workflow began with. */
  readonly rootId: TaskId;
  /** Of the task that sent this one; null: a client did. */
  readonly parentId: TaskId | null;
  readonly groupId: string | null;
  readonly taskName: string;
  /** How often it was retried before: 0 in the first attempt. */
  readonly retries: number;
  readonly redelivered: boolean;
  /** The queue it was sent to. */
  readonly queue: string;
  /** The node, as Python sees it: `celery@host`. */
  readonly hostname: string;
  /** The user's own headers. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** The request that all of this belongs to: as it was sent, else the root's id. Handed on to what the run sends. */
  readonly correlationId: string;
  /** The same in every attempt and redelivery of this task. */
  readonly idempotencyKey: string;
  /** Of this delivery alone: a later attempt has another. */
  readonly fencingToken: string;
  /** All that the message says: limits, priority, stamps, links, properties. */
  readonly message: TaskMessage;

  /** Aborts on soft time limit, cancel and shutdown, with the error as its reason. Hand it to fetch, timers, drivers. */
  readonly signal: AbortSignal;
  /** For loops that never await. @throws the signal's reason when the run should stop. */
  throwIfAborted(): void;
  /** @param fraction 0 to 1; null: not known. */
  progress(fraction: number | null, message?: string, data?: unknown): void;
  /**
   * Tells those who follow the workflow of something. Each one is kept, in order, among the last 500 entries of progress and
   * events. Need not be awaited: it never rejects. Resolves when it is written (true), or dropped because the store is away (false).
   * @throws {UsageError} LOVAGE_EVENT_INVALID: the name has no dot, or the data is no JSON or above 16 KiB.
   */
  emit<E extends RunEventName>(event: E, data: RunEventData<E>): Promise<boolean>;
  readonly log: Logger;
  /** Celery's `update_state`: a state of one's own until the run ends. */
  setState(state: string, meta?: unknown): Promise<void>;

  /** Ends this attempt and tries again later. Always throws. */
  retry(options?: RetryRequestOptions): never;
  /**
   * Ends this run; the replacement takes over its id, its place in chain, group and chord. Always throws; it is typed as what
   * the replacement gives, so that `return run.replace(…)` is checked against what the task gives.
   * @throws {ConfigError} LOVAGE_REPLACE_INVALID: an empty chain, or what is in a chord already.
   */
  replace<C extends AnyCanvas>(replacement: Whole<C>): OutOf<C>;
  replace(replacement: Signature): never;
  /** Runs `work` unless it has been done under this key before, and gives the value that it gave then. */
  once<T>(key: string, work: () => T | PromiseLike<T>): Promise<T>;
  /** Sent in one step with this run's success, or not at all. */
  sendOnSuccess<P extends readonly unknown[], R>(task: Callable<P, R>, args: NoInfer<P>, options?: SendOptions): Promise<AsyncResult<R>>;
  sendOnSuccess<C extends AnyCanvas>(canvas: Whole<C>, options?: SendOptions): Promise<unknown>;
  sendOnSuccess(canvas: Signature, options?: SendOptions): Promise<unknown>;
  /**
   * Adds a member to the chord that this run is a member of: the body waits for it, and gets its value after this one's.
   * Sent in one step with this run's success, or not at all: do not wait for it here.
   * @throws {UsageError} LOVAGE_NOT_IN_A_CHORD
   */
  addToChord<C extends AnyCanvas>(member: Whole<C>): Promise<unknown>;
  addToChord(member: Signature): Promise<unknown>;
}

/**
 * The run that this code is in, however deep.
 * @throws {UsageError} LOVAGE_NO_RUN outside of a task.
 */
export function currentRun(): Run {
  const run = ambientRuns.getStore();
  if (run !== undefined) return run as AmbientRun & Run;
  throw new UsageError(
    "LOVAGE_NO_RUN",
    "currentRun() was called outside of a running task. Call it inside a handler, or use tryCurrentRun() where there may be none.",
  );
}

export const tryCurrentRun = (): Run | undefined => ambientRuns.getStore() as (AmbientRun & Run) | undefined;
