/**
 * Waits for the ends of tasks: all ids asked for in one turn share one watch on the backend, which is let go as soon as
 * nobody waits for any of them. When most of a large watch has settled, the rest moves into a smaller one.
 */
import type { StoredResult } from "../message/outcome.ts";
import { decodeResult, isReady } from "../message/results.ts";
import type { TaskId } from "../message/task-message.ts";
import type { ResultBackend } from "./result-backend.ts";

interface Waiter {
  resolve(result: StoredResult): void;
  reject(error: unknown): void;
}

/** A watch with fewer ids than this is not worth replacing. */
const smallWatch = 16;

export class ResultWatcher {
  readonly #backend: ResultBackend;
  /** Per id, all that wait for it. */
  readonly #waiters = new Map<TaskId, Set<Waiter>>();
  readonly #watches = new Set<Watch>();
  #asked: TaskId[] = [];

  constructor(backend: ResultBackend) {
    this.#backend = backend;
  }

  /** Watches that are open now, for tests of leaks. */
  get watches(): number {
    return this.#watches.size;
  }

  ended(id: TaskId, signal: AbortSignal | undefined): Promise<StoredResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#leave(id, waiter);
        reject(signal?.reason);
      };
      const settled = () => signal?.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#join(id, waiter);
    });
  }

  close(error: unknown): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    const waiting = [...this.#waiters.values()].flatMap((waiters) => [...waiters]);
    this.#waiters.clear();
    for (const waiter of waiting) waiter.reject(error);
  }

  #join(id: TaskId, waiter: Waiter): void {
    const others = this.#waiters.get(id);
    if (others !== undefined) {
      others.add(waiter);
      return;
    }
    this.#waiters.set(id, new Set([waiter]));
    if (this.#asked.length === 0) queueMicrotask(() => this.#open());
    this.#asked.push(id);
  }

  #leave(id: TaskId, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    waiters?.delete(waiter);
    if (waiters?.size !== 0) return;
    this.#waiters.delete(id);
    this.#settled(id);
  }

  #open(): void {
    const ids = this.#asked.filter((id) => this.#waiters.has(id));
    this.#asked = [];
    if (ids.length > 0) this.#watch(ids);
  }

  #watch(ids: readonly TaskId[]): void {
    const watch: Watch = { ids: new Set(ids), size: ids.length, stop: () => undefined };
    this.#watches.add(watch);
    watch.stop = this.#backend.watch(ids, {
      saw: ({ taskId, document }) => this.#saw(taskId, document),
      ended: (error) => this.#failed(watch, error ?? new Error("The watch on results ended by itself.")),
    });
  }

  #saw(id: TaskId, document: string): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    let result: StoredResult | undefined;
    let unreadable: unknown;
    try {
      result = decodeResult(document);
    } catch (error) {
      unreadable = error;
    }
    if (result !== undefined && !isReady(result.state)) return;
    this.#waiters.delete(id);
    for (const waiter of waiters) result === undefined ? waiter.reject(unreadable) : waiter.resolve(result);
    this.#settled(id);
  }

  #failed(watch: Watch, error: unknown): void {
    this.#watches.delete(watch);
    for (const id of watch.ids) {
      const waiters = this.#waiters.get(id);
      this.#waiters.delete(id);
      for (const waiter of waiters ?? []) waiter.reject(error);
    }
  }

  #settled(id: TaskId): void {
    for (const watch of this.#watches) {
      if (!watch.ids.delete(id)) continue;
      const isMostlyDone = watch.size > smallWatch && watch.ids.size <= watch.size / 4;
      if (watch.ids.size > 0 && !isMostlyDone) continue;
      // The smaller watch listens before the large one stops.
      this.#watches.delete(watch);
      if (watch.ids.size > 0) this.#watch([...watch.ids]);
      watch.stop();
    }
  }
}

interface Watch {
  /** Those that somebody still waits for. */
  readonly ids: Set<TaskId>;
  readonly size: number;
  stop: () => void;
}
