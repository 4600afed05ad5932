/** The handles of sent work, read from a result backend. */
import { setMaxListeners } from "node:events";
import { either } from "../kernel/either.ts";
import { UsageError } from "../kernel/errors.ts";
import { fromExceptionRecord } from "../message/exceptions.ts";
import type { ResultTuple, StoredResult, TaskState } from "../message/outcome.ts";
import { isReady } from "../message/results.ts";
import type { TaskId } from "../message/task-message.ts";
import type { AsyncResult, Finished, GetOptions, GroupResult, RevokeOptions } from "../task/async-result.ts";
import { ancestors, collected, type Handle, isGroupResult, leaves } from "./family.ts";
import { finished } from "./finished.ts";
import type { ResultSource } from "./result-source.ts";
import type { WaitEnd } from "./result-watcher.ts";
import { deadlineOf, inRun, waitFor } from "./waiting.ts";

export interface HandleOptions {
  readonly parent?: Handle | null;
  /** Tasks that were sent with their results ignored: nothing will ever be stored of them. */
  readonly ignored?: ReadonlySet<TaskId> | undefined;
  readonly duplicate?: boolean;
}

export class TaskResult<R = unknown> implements AsyncResult<R> {
  readonly id: TaskId;
  readonly parent: Handle | null;
  readonly duplicate: boolean;
  readonly #source: ResultSource;
  readonly #ignored: boolean;

  constructor(id: TaskId, source: ResultSource, options: HandleOptions = noOptions) {
    this.id = id;
    this.parent = options.parent ?? null;
    this.duplicate = options.duplicate ?? false;
    this.#source = source;
    this.#ignored = options.ignored?.has(id) ?? false;
  }

  get(options: GetOptions = {}): Promise<R> {
    if (this.#ignored) return Promise.reject(ignoredResult(this.id));
    const what = `task ${this.id}`;
    if (this.parent === null) return inRun(this.#value({ signal: options.signal, deadline: deadlineOf(what, options) }));
    return waitFor(what, options, (outer) => unlessParentFails(this, this.#source, outer, (signal) => this.#value({ signal })));
  }

  #value(end: WaitEnd): Promise<R> {
    return this.#source.ended(this.id, end).then(settledValue<R>);
  }

  async state(): Promise<TaskState | "CANCELLING"> {
    const stored = await this.#stored();
    return !isReady(stored) && (await this.#source.isCancelling(this.id)) ? "CANCELLING" : stored;
  }

  async ready(): Promise<boolean> {
    return isReady(await this.#stored());
  }

  async successful(): Promise<boolean> {
    return (await this.#stored()) === "SUCCESS";
  }

  async failed(): Promise<boolean> {
    return (await this.#stored()) === "FAILURE";
  }

  async #stored(): Promise<TaskState> {
    return (await this.info())?.state ?? "PENDING";
  }

  async info(): Promise<StoredResult | undefined> {
    const [found] = await this.#source.load([this.id]);
    return found;
  }

  async children(): Promise<readonly Handle[]> {
    return ((await this.info())?.children ?? []).map((tuple) => handleOf(tuple, this.#source));
  }

  collect(options: GetOptions = {}): AsyncIterable<readonly [Handle, unknown]> {
    return collected(this, options);
  }

  forget(): Promise<void> {
    return this.#source.forget([this.id, ...ancestors(this).flatMap((each) => leaves(shallow(each)))]);
  }

  revoke(options?: RevokeOptions): Promise<void> {
    return revokeFamily(this, this.#source, options);
  }

  toJSON(): ResultTuple {
    return [[this.id, this.parent?.toJSON() ?? null], null];
  }
}

export class GroupOfResults<R extends readonly unknown[] = readonly unknown[]> implements GroupResult<R> {
  readonly id: string;
  readonly parent: Handle | null;
  readonly results: readonly Handle[];
  readonly #source: ResultSource;

  constructor(id: string, results: readonly Handle[], source: ResultSource, options: HandleOptions = noOptions) {
    this.id = id;
    this.results = results;
    this.parent = options.parent ?? null;
    this.#source = source;
  }

  async get(options: GetOptions = {}): Promise<R> {
    return waitFor(`group ${this.id}`, options, (signal) =>
      unlessParentFails(this, this.#source, signal, (outer) =>
        // One that fails ends the others' waits too: nothing is left behind.
        stoppable(outer, async (both) => (await Promise.all(this.results.map((result) => result.get({ signal: both })))) as unknown as R),
      ),
    );
  }

  finished(options: GetOptions = {}): AsyncIterable<Finished<R[number]>> {
    return finished<R[number]>(this, options, (signal) => parentFailure(this, this.#source, signal));
  }

  [Symbol.asyncIterator](): AsyncIterator<Finished<R[number]>> {
    return this.finished()[Symbol.asyncIterator]();
  }

  async ready(): Promise<boolean> {
    return (await this.#states()).every((states) => states.every(isReady));
  }

  async successful(): Promise<boolean> {
    return (await this.#states()).every(isSuccess);
  }

  async failed(): Promise<boolean> {
    return (await this.#states()).some((states) => states.includes("FAILURE"));
  }

  async completedCount(): Promise<number> {
    return (await this.#states()).filter(isSuccess).length;
  }

  forget(): Promise<void> {
    return this.#source.forget(this.#ids());
  }

  revoke(options?: RevokeOptions): Promise<void> {
    return revokeFamily(this, this.#source, options);
  }

  save(): Promise<void> {
    return this.#source.saveGroup(this.id, this.toJSON());
  }

  delete(): Promise<void> {
    return this.#source.forgetGroup(this.id);
  }

  toJSON(): ResultTuple {
    return [[this.id, this.parent?.toJSON() ?? null], this.results.map((result) => result.toJSON())];
  }

  /** Per member: the states of its tasks. */
  async #states(): Promise<readonly (readonly TaskState[])[]> {
    const ids = this.results.map((result) => leaves(shallow(result)));
    const loaded = (await this.#source.load(ids.flat())).values();
    return ids.map((own) => own.map(() => loaded.next().value?.state ?? "PENDING"));
  }

  #ids(): TaskId[] {
    return leaves(shallow(this));
  }
}

/** By ids, and each as a root: what was sent as a canvas has no root in common if it began with a group (celery-wire.md §6.5). */
function revokeFamily(handle: Handle, source: ResultSource, { whole = false, ...how }: RevokeOptions = {}): Promise<void> {
  const own = leaves(shallow(handle));
  if (!whole) return source.revoke({ id: own, root: [] }, how);
  const all = [...own, ...ancestors(handle).flatMap((each) => leaves(shallow(each)))];
  return source.revoke({ id: all, root: all }, how);
}

const noOptions: HandleOptions = {};
const isSuccess = (states: readonly TaskState[]): boolean => states.every((state) => state === "SUCCESS");

/** Its tuple without parents, which may be many. */
function shallow(handle: Handle): ResultTuple {
  return [[handle.id, null], isGroupResult(handle) ? handle.results.map(shallow) : null];
}

/** Ends what `work` still waits for when it is decided. */
async function stoppable<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const both = signal && either(signal, stop.signal);
  const until = both?.signal ?? stop.signal;
  // One listener per task waited for is right, and no leak.
  setMaxListeners(0, until);
  try {
    return await work(until);
  } finally {
    stop.abort();
    both?.release();
  }
}

function unlessParentFails<T>(
  handle: Handle,
  source: ResultSource,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (handle.parent === null) return work(signal);
  return stoppable(signal, (both) => {
    const own = work(both);
    // Its own end counts where it has one: it may be told in the same step, and says more.
    return Promise.race([
      own,
      parentFailure(handle, source, both).catch(async (error) => ((await handle.ready()) ? own : Promise.reject(error))),
    ]);
  });
}

/**
 * Rejects when a step before it failed: what stands after that never runs, and not every worker says so of every later step
 * (celery-wire.md §6.4). Members of a chord's header are not looked at: their failure always becomes the body's.
 */
function parentFailure(handle: Handle, source: ResultSource, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const ended = ({ state, result, traceback, taskId }: StoredResult) => {
      if (state !== "SUCCESS") reject(fromExceptionRecord(result, traceback, taskId));
    };
    // A parent that cannot be read says nothing about what follows it.
    const unread = () => undefined;
    for (const before of ancestors(handle)) if (!isGroupResult(before)) void source.ended(before.id, { signal }).then(ended, unread);
  });
}

/** A handle from Celery's tuple (celery-wire.md §5.5). Python may write a bare id where `[id, parent]` is meant. */
export function handleOf(tuple: ResultTuple, source: ResultSource, ignored?: ReadonlySet<TaskId>): Handle {
  const [head, children] = tuple;
  const [id, before] = typeof head === "string" ? [head as string, null] : head;
  const parent = before === null || before === undefined ? null : handleOf(before, source, ignored);
  if (children === null || children === undefined) return new TaskResult(id, source, { ignored, parent });
  const results = children.map((child) => handleOf(child, source, ignored));
  return new GroupOfResults(id, results, source, { parent });
}

/** @throws {TaskError} as the task ended. */
function settledValue<R>({ state, result, traceback, taskId }: StoredResult): R {
  if (state === "SUCCESS") return result as R;
  throw fromExceptionRecord(result, traceback, taskId);
}

function ignoredResult(id: TaskId): UsageError {
  return new UsageError(
    "LOVAGE_RESULT_IGNORED",
    `Cannot wait for the result of ${id}: it was sent with ignoreResult, so nothing will be stored. Send it without, or wait for what it does.`,
    { details: { taskId: id } },
  );
}
