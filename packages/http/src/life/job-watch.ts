/** Tells when the tasks of open jobs begin and end, by a watch on their results: nobody has to ask. It changes nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "lovage";
import type { JobId } from "../job-files.ts";

export interface WatchedJob {
  readonly id: JobId;
  readonly taskId: string;
}

export interface JobWatchOptions {
  readonly app: App;
  /** A state of the job's task was stored: STARTED, RETRY, one of its own, or an end. Never rejects. */
  readonly saw: (id: JobId, state: string) => Promise<void>;
  /** Ends all watching. */
  readonly signal: AbortSignal;
}

const againMs = 1000;

export class JobWatch {
  readonly #options: JobWatchOptions;
  /** By task. What is done with it stops its watch. */
  readonly #open = new Map<string, { readonly id: JobId; stop(): void }>();
  readonly #work = new Set<Promise<void>>();

  constructor(options: JobWatchOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => {
      for (const { stop } of this.#open.values()) stop();
      this.#open.clear();
    });
  }

  /** How many are watched. */
  get size(): number {
    return this.#open.size;
  }

  add(jobs: readonly WatchedJob[]): void {
    const fresh = jobs.filter(({ taskId }) => !this.#open.has(taskId));
    for (const { id, taskId } of fresh) this.#open.set(taskId, { id, stop: () => undefined });
    if (fresh.length > 0) this.#track(this.#watch(fresh));
  }

  /** Its end is written. false: it was not watched, or is no more. */
  done(taskId: string): boolean {
    this.#open.get(taskId)?.stop();
    return this.#open.delete(taskId);
  }

  /** Resolves when nothing of it goes on, once its signal is aborted. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#work]);
  }

  /** One watch for all of them. As long as it takes: the store may be away. */
  async #watch(jobs: readonly WatchedJob[]): Promise<void> {
    const { app, signal } = this.#options;
    const left = new Set(jobs.map(({ taskId }) => taskId));
    while (!signal.aborted && [...left].some((taskId) => this.#open.has(taskId))) {
      try {
        const { results } = await app.store();
        const taskIds = [...left].filter((taskId) => this.#open.has(taskId));
        await this.#until(taskIds, left, (listener) => results.watch(taskIds, listener));
      } catch {
        await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** Resolves when none of them is open any more. Rejects when the watch broke off. */
  #until(taskIds: readonly string[], left: Set<string>, watch: (listener: Listener) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopWatch = watch({
        saw: ({ taskId, document }) => {
          const job = this.#open.get(taskId);
          if (job !== undefined) this.#track(this.#options.saw(job.id, stateIn(document)));
        },
        ended: (error) => reject(error ?? new Error("The watch on results ended by itself.")),
      });
      const stopOne = (taskId: string) => {
        left.delete(taskId);
        if (left.size > 0 && !this.#options.signal.aborted) return;
        stopWatch();
        resolve();
      };
      for (const taskId of taskIds) {
        const job = this.#open.get(taskId);
        if (job !== undefined) job.stop = () => stopOne(taskId);
      }
    });
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

interface Listener {
  saw(found: { readonly taskId: string; readonly document: string }): void;
  ended(error: unknown): void;
}

/** Of a document as Celery writes it; "": nobody can say. */
function stateIn(document: string): string {
  try {
    return String((JSON.parse(document) as { readonly status?: unknown }).status ?? "");
  } catch {
    return "";
  }
}
