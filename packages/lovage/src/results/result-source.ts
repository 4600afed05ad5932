/** Where handles get what they know: the result backend, one shared watch on it, and the way to refuse a task. */
import type { ResultTuple, StoredResult } from "../message/outcome.ts";
import { decodeResult } from "../message/results.ts";
import type { TaskId } from "../message/task-message.ts";
import type { TerminationWish } from "../task/termination.ts";
import type { ResultBackend } from "./result-backend.ts";
import { ResultWatcher, type WaitEnd } from "./result-watcher.ts";

/** Tasks, and those whose descendants are meant too. */
export interface Family {
  readonly id: readonly TaskId[];
  readonly root: readonly TaskId[];
}

export interface ResultSourceOptions {
  /** Opened at the first need. */
  backend(): Promise<ResultBackend>;
  revoke(target: Family, options: TerminationWish): Promise<void>;
  /** It was told to stop, and its code still runs. */
  isCancelling(id: TaskId): Promise<boolean>;
  /** How long a saved group is kept. */
  readonly resultExpiresMs: number | null;
}

export class ResultSource {
  readonly #options: ResultSourceOptions;
  #watcher: ResultWatcher | undefined;

  constructor(options: ResultSourceOptions) {
    this.#options = options;
  }

  async load(ids: readonly TaskId[]): Promise<readonly (StoredResult | undefined)[]> {
    const backend = await this.#options.backend();
    return (await backend.load(ids)).map((found) => (found === undefined ? undefined : decodeResult(found.document)));
  }

  /** Resolves with the end of the task; rejects when the wait has another. */
  ended(id: TaskId, end?: WaitEnd): Promise<StoredResult> {
    return this.#watcher?.ended(id, end) ?? this.#watched().then((watcher) => watcher.ended(id, end));
  }

  /** See `ResultBackend`. undefined, too, as long as nobody has waited for a result. */
  replyTo(id: TaskId): string | undefined {
    return this.#watcher?.replyTo(id);
  }

  async #watched(): Promise<ResultWatcher> {
    const backend = await this.#options.backend();
    this.#watcher ??= new ResultWatcher(backend);
    return this.#watcher;
  }

  async forget(ids: readonly TaskId[]): Promise<void> {
    await (await this.#options.backend()).forget(ids);
  }

  revoke(target: Family, options: TerminationWish): Promise<void> {
    return this.#options.revoke(target, options);
  }

  isCancelling(id: TaskId): Promise<boolean> {
    return this.#options.isCancelling(id);
  }

  async saveGroup(id: string, result: ResultTuple): Promise<void> {
    const backend = await this.#options.backend();
    await backend.saveGroup(id, JSON.stringify({ result }), this.#options.resultExpiresMs);
  }

  async loadGroup(id: string): Promise<ResultTuple | undefined> {
    const text = await (await this.#options.backend()).loadGroup(id);
    return text === undefined ? undefined : (JSON.parse(text) as { readonly result: ResultTuple }).result;
  }

  async forgetGroup(id: string): Promise<void> {
    await (await this.#options.backend()).forgetGroup(id);
  }

  /** Ends every wait with this error. */
  close(error: unknown): void {
    this.#watcher?.close(error);
  }
}
