/**
 * Waits for the ends of tasks: all ids asked for in one turn share one watch on the backend, which is let go as soon as
 * nobody waits for any of them. When most of a large watch has settled, the rest moves into a smaller one.
 */
import { soon } from "../kernel/soon.ts";
import type { StoredResult } from "../message/outcome.ts";
import { decodeResult, isReady } from "../message/results.ts";
import type { TaskId } from "../message/task-message.ts";
import type { ResultBackend } from "./result-backend.ts";

interface Waiter {
  readonly resolve: (result: StoredResult) => void;
  readonly reject: (error: unknown) => void;
  /** Of its timer and its signal. */
  release: () => void;
}

/** What a wait has an end by, besides that of the task. */
export interface WaitEnd {
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
}

export interface Deadline {
  /** Of `performance.now()`. */
  readonly at: number;
  error(): Error;
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

  /** See `ResultBackend`. */
  replyTo(id: TaskId): string | undefined {
    return this.#backend.replyTo?.(id);
  }

  /** Rejects at the deadline with its error, and with the signal's reason. */
  ended(id: TaskId, { signal, deadline }: WaitEnd = {}): Promise<StoredResult> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject, release: () => undefined };
      const giveUp = (reason: unknown) => {
        this.#leave(id, waiter);
        fail(waiter, reason);
      };
      // No signal is made for a deadline: most waits have one, and it is many steps to make, to listen to and to let go of.
      const timer = deadline && setTimeout(() => giveUp(deadline.error()), Math.max(0, deadline.at - performance.now()));
      const onAbort = signal && (() => giveUp(signal.reason));
      if (onAbort !== undefined) signal?.addEventListener("abort", onAbort, { once: true });
      waiter.release = () => {
        clearTimeout(timer);
        if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
      };
      this.#join(id, waiter);
    });
  }

  close(error: unknown): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    const waiting = [...this.#waiters.values()].flatMap((waiters) => [...waiters]);
    this.#waiters.clear();
    for (const waiter of waiting) fail(waiter, error);
  }

  #join(id: TaskId, waiter: Waiter): void {
    const others = this.#waiters.get(id);
    if (others !== undefined) {
      others.add(waiter);
      return;
    }
    this.#waiters.set(id, new Set([waiter]));
    if (this.#asked.length === 0) soon(() => this.#open());
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
    const ended = endedBy(document);
    if (ended === undefined) return;
    this.#waiters.delete(id);
    for (const waiter of waiters) "result" in ended ? waiter.resolve(ended.result) : waiter.reject(ended.error);
    // Whoever waited goes on first.
    setImmediate(() => {
      for (const waiter of waiters) waiter.release();
      // One that came meanwhile has a watch of its own, and both end with it.
      if (!this.#waiters.has(id)) this.#settled(id);
    });
  }

  #failed(watch: Watch, error: unknown): void {
    this.#watches.delete(watch);
    for (const id of watch.ids) {
      const waiters = this.#waiters.get(id);
      this.#waiters.delete(id);
      for (const waiter of waiters ?? []) fail(waiter, error);
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

/** How a task ended, or why that cannot be read. */
type Ended = { readonly result: StoredResult } | { readonly error: unknown };

/** undefined: it has not. */
function endedBy(document: string): Ended | undefined {
  try {
    const result = decodeResult(document);
    return isReady(result.state) ? { result } : undefined;
  } catch (error) {
    return { error };
  }
}

function fail(waiter: Waiter, error: unknown): void {
  waiter.release();
  waiter.reject(error);
}

interface Watch {
  /** Those that somebody still waits for. */
  readonly ids: Set<TaskId>;
  readonly size: number;
  stop: () => void;
}
