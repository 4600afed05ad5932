/** The handles of sent work, read from a result backend. */
import { setMaxListeners } from "node:events";
import { UsageError } from "../kernel/errors.ts";
import { fromExceptionRecord } from "../message/exceptions.ts";
import type { ResultTuple, StoredResult, TaskState } from "../message/outcome.ts";
import { isReady } from "../message/results.ts";
import type { TaskId } from "../message/task-message.ts";
import type { AsyncResult, GetOptions, GroupResult, RevokeOptions } from "../task/async-result.ts";
import type { ResultSource } from "./result-source.ts";
import { waitFor } from "./waiting.ts";

export interface HandleOptions {
  readonly parent?: AsyncResult | GroupResult | null;
  /** It was sent with its result ignored: nothing will ever be stored. */
  readonly ignored?: boolean;
}

export class TaskResult<R = unknown> implements AsyncResult<R> {
  readonly id: TaskId;
  readonly parent: AsyncResult | GroupResult | null;
  readonly #source: ResultSource;
  readonly #ignored: boolean;

  constructor(id: TaskId, source: ResultSource, options: HandleOptions = noOptions) {
    this.id = id;
    this.parent = options.parent ?? null;
    this.#source = source;
    this.#ignored = options.ignored ?? false;
  }

  async get(options: GetOptions = {}): Promise<R> {
    if (this.#ignored) throw ignoredResult(this.id);
    return settledValue<R>(await waitFor(`task ${this.id}`, options, (signal) => this.#source.ended(this.id, signal)));
  }

  async state(): Promise<TaskState> {
    return (await this.info())?.state ?? "PENDING";
  }

  async ready(): Promise<boolean> {
    return isReady(await this.state());
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === "SUCCESS";
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === "FAILURE";
  }

  async info(): Promise<StoredResult | undefined> {
    const [found] = await this.#source.load([this.id]);
    return found;
  }

  async children(): Promise<readonly (AsyncResult | GroupResult)[]> {
    return ((await this.info())?.children ?? []).map((tuple) => handleOf(tuple, this.#source));
  }

  forget(): Promise<void> {
    return this.#source.forget([this.id]);
  }

  revoke(options?: RevokeOptions): Promise<void> {
    return this.#source.revoke([this.id], options);
  }

  toJSON(): ResultTuple {
    return [[this.id, this.parent?.toJSON() ?? null], null];
  }
}

export class GroupOfResults<R extends readonly unknown[] = readonly unknown[]> implements GroupResult<R> {
  readonly id: string;
  readonly parent: AsyncResult | GroupResult | null;
  readonly results: readonly (AsyncResult | GroupResult)[];
  readonly #source: ResultSource;

  constructor(id: string, results: readonly (AsyncResult | GroupResult)[], source: ResultSource, options: HandleOptions = noOptions) {
    this.id = id;
    this.results = results;
    this.parent = options.parent ?? null;
    this.#source = source;
  }

  async get(options: GetOptions = {}): Promise<R> {
    return waitFor(`group ${this.id}`, options, async (signal) => {
      // One that fails ends the others' waits too: nothing is left behind.
      const stop = new AbortController();
      const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      // One listener per member is right, and no leak.
      setMaxListeners(0, both);
      try {
        return (await Promise.all(this.results.map((result) => result.get({ signal: both })))) as unknown as R;
      } finally {
        stop.abort();
      }
    });
  }

  async ready(): Promise<boolean> {
    return (await this.#states()).every(isReady);
  }

  async successful(): Promise<boolean> {
    return (await this.#states()).every((state) => state === "SUCCESS");
  }

  async failed(): Promise<boolean> {
    return (await this.#states()).some((state) => state === "FAILURE");
  }

  async completedCount(): Promise<number> {
    return (await this.#states()).filter((state) => state === "SUCCESS").length;
  }

  forget(): Promise<void> {
    return this.#source.forget(this.#ids());
  }

  revoke(options?: RevokeOptions): Promise<void> {
    return this.#source.revoke(this.#ids(), options);
  }

  save(): Promise<void> {
    return this.#source.saveGroup(this.id, this.toJSON());
  }

  toJSON(): ResultTuple {
    return [[this.id, this.parent?.toJSON() ?? null], this.results.map((result) => result.toJSON())];
  }

  async #states(): Promise<TaskState[]> {
    return (await this.#source.load(this.#ids())).map((found) => found?.state ?? "PENDING");
  }

  #ids(): TaskId[] {
    return leaves(this.toJSON());
  }
}

const noOptions: HandleOptions = {};

function leaves([[id], children]: ResultTuple): TaskId[] {
  return children === null ? [id] : children.flatMap(leaves);
}

/** A handle from Celery's tuple (celery-wire.md §5.5). Python may write a bare id where `[id, parent]` is meant. */
export function handleOf(tuple: ResultTuple, source: ResultSource, options: HandleOptions = noOptions): AsyncResult | GroupResult {
  const [head, children] = tuple;
  const [id, before] = typeof head === "string" ? [head as string, null] : head;
  const parent = before === null || before === undefined ? null : handleOf(before, source);
  if (children === null || children === undefined) return new TaskResult(id, source, { ...options, parent });
  return new GroupOfResults(
    id,
    children.map((child) => handleOf(child, source)),
    source,
    { parent },
  );
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
