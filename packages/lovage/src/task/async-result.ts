/** A sent task, or a sent group of tasks, as its caller holds it. `results/` implements these. */
import type { ResultTuple, StoredResult, TaskState } from "../message/outcome.ts";
import type { TaskId } from "../message/task-message.ts";
import type { TerminationWish } from "./termination.ts";

export interface GetOptions {
  /** Milliseconds until `WaitTimeoutError`; the task goes on. Absent: no deadline. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RevokeOptions extends TerminationWish {
  /**
   * Also all steps before it, and all that any of them sends: the whole composition. What a run sends is met by its root, so
   * of a composition that was itself sent by a run, children of its steps are not. @defaultValue false
   */
  readonly whole?: boolean;
}

export interface AsyncResult<R = unknown> {
  readonly id: TaskId;
  /** The call was not sent, since the same one waited or ran: this is that one's handle. */
  readonly duplicate: boolean;
  /** The step before it in a chain, the header of its chord. */
  readonly parent: AsyncResult | GroupResult | null;
  /**
   * Waits for the end, and gives the value.
   * @throws {TaskError} as the task ended: RemoteError, TimeLimitError, WorkerLostError, TaskRevokedError, ChordError …
   * @throws {WaitTimeoutError} LOVAGE_WAIT_TIMEOUT after `timeoutMs`.
   */
  get(options?: GetOptions): Promise<R>;
  /**
   * "PENDING" also for an id that nobody knows, as in Celery. "CANCELLING": it was told to stop, and its code still runs; only
   * here, it is never stored.
   */
  state(): Promise<TaskState | "CANCELLING">;
  ready(): Promise<boolean>;
  successful(): Promise<boolean>;
  failed(): Promise<boolean>;
  /** The stored record as it stands; undefined: nothing stored. */
  info(): Promise<StoredResult | undefined>;
  /** What the run sent, as far as its result says. */
  children(): Promise<readonly (AsyncResult | GroupResult)[]>;
  /**
   * The whole tree below it: itself and all that its run sent, and what these sent, each with its value as it ends; a
   * group before its members. As Python's `collect()`.
   * @throws as `get`, at the first that failed.
   */
  collect(options?: GetOptions): AsyncIterable<readonly [result: AsyncResult | GroupResult, value: unknown]>;
  /** Removes its stored result, and those of its parents, as in Celery. */
  forget(): Promise<void>;
  /** Refuses it from now on, and for good; with `terminate` also stops a run. */
  revoke(options?: RevokeOptions): Promise<void>;
  /** Celery's form of a handle (celery-wire.md §5.5), so that a task may return one. */
  toJSON(): ResultTuple;
}

/** One member of a group that has ended, as `Promise.allSettled` would tell it. */
export type Finished<V = unknown> = { readonly index: number; readonly result: AsyncResult | GroupResult } & PromiseSettledResult<V>;

export interface GroupResult<R extends readonly unknown[] = readonly unknown[]> {
  readonly id: string;
  readonly parent: AsyncResult | GroupResult | null;
  readonly results: readonly (AsyncResult | GroupResult)[];
  /** All values in order. @throws as `AsyncResult.get`, with the first member (in time) that failed. */
  get(options?: GetOptions): Promise<R>;
  /** Its members as they end, each once; one that failed is told and ends nothing. `for await (const one of group)`: without a deadline. */
  finished(options?: GetOptions): AsyncIterable<Finished<R[number]>>;
  [Symbol.asyncIterator](): AsyncIterator<Finished<R[number]>>;
  ready(): Promise<boolean>;
  successful(): Promise<boolean>;
  failed(): Promise<boolean>;
  /** How many members succeeded; a group inside counts once, when all of it did. */
  completedCount(): Promise<number>;
  /** Removes the stored results of its members. */
  forget(): Promise<void>;
  /** As `AsyncResult.revoke`, for all its members. */
  revoke(options?: RevokeOptions): Promise<void>;
  /** Stores the group's shape, so that `app.groupResult(id)` finds it again, in Python too. */
  save(): Promise<void>;
  /** Removes the stored shape; the results of its members stay. */
  delete(): Promise<void>;
  toJSON(): ResultTuple;
}
