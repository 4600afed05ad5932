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
  readonly saw: (job: WatchedJob, state: string) => Promise<void>;
  /** Ends all watching. */
  readonly signal: AbortSignal;
}

const againMs = 1000;

export class JobWatch {
  readonly #options: JobWatchOptions;
  /** By task. What is done with it stops its watch. */
  readonly #open = new Map<string, Watched>();
  readonly #work = new Set<Promise<void>>();

  constructor(options: JobWatchOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => {
      for (const { stop } of this.#open.values()) stop();
      this.#open.clear();
    });
  }

  /** What becomes of it will be told without a question. */
  sees(taskId: string): boolean {
    return this.#open.get(taskId)?.isLive === true;
  }

  add(jobs: readonly WatchedJob[]): void {
    const fresh = jobs.filter(({ taskId }) => !this.#open.has(taskId));
    for (const { id, taskId } of fresh) this.#open.set(taskId, { id, isLive: false, stop: () => undefined });
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
    const left = () => jobs.map(({ taskId }) => taskId).filter((taskId) => this.#open.has(taskId));
    while (!signal.aborted && left().length > 0) {
      try {
        const { results } = await app.store();
        const taskIds = left();
        if (taskIds.length > 0) await this.#until(taskIds, (listener) => results.watch(taskIds, listener));
      } catch {
        await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** Resolves when none of them is open any more. Rejects when the watch broke off. */
  #until(taskIds: readonly string[], watch: (listener: Listener) => () => void): Promise<void> {
    const left = new Set(taskIds);
    return new Promise((resolve, reject) => {
      const stopWatch = watch({
        saw: ({ taskId, document }) => {
          const job = this.#open.get(taskId);
          if (job !== undefined) this.#track(this.#options.saw({ id: job.id, taskId }, stateIn(document)));
        },
        ended: (error) => {
          this.#setLive(left, false);
          reject(error ?? new Error("The watch on results ended by itself."));
        },
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
      this.#setLive(left, true);
    });
  }

  #setLive(taskIds: Iterable<string>, isLive: boolean): void {
    for (const taskId of taskIds) {
      const job = this.#open.get(taskId);
      if (job !== undefined) job.isLive = isLive;
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

interface Watched {
  readonly id: JobId;
  isLive: boolean;
  stop(): void;
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
