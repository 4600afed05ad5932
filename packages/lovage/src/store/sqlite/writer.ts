/**
 * Group commit: write calls that arrive in the same turn of the event loop share one transaction, because making it durable
 * costs more than its statements. Each call is still all or nothing by itself. When another process holds the lock, it waits
 * without blocking the loop, until the call's own deadline.
 */
import { isLovageError } from "../../kernel/errors.ts";
import type { Database } from "./database.ts";
import { isBusy, isFull, toFault } from "./faults.ts";
import * as sql from "./sql/statements.ts";

/** Topics of the notifier that this call's changes concern. */
export type Touched = Set<string>;

export interface WriteCall {
  /** As in "Cannot … <path>". */
  readonly doing: string;
  readonly deadlineMs: number;
  readonly taskIds?: readonly string[];
}

interface Job {
  readonly call: WriteCall;
  readonly deadline: number;
  work(touched: Touched): void;
  done(): void;
  fail(error: unknown): void;
}

/** Statements of one transaction block the event loop: after this long the rest of the calls get a transaction of their own. */
const longestTurnMs = 15;

export class Writer {
  readonly #database: Database;
  readonly #path: string;
  readonly #onCommitted: (touched: Touched) => void;
  #jobs: Job[] = [];
  #scheduled = false;
  #pauseMs = 0;
  #madeRoom = false;
  #idle: (() => void)[] = [];

  constructor(database: Database, path: string, onCommitted: (touched: Touched) => void) {
    this.#database = database;
    this.#path = path;
    this.#onCommitted = onCommitted;
  }

  /** `work` throws a typed error only before it writes; then it alone fails. */
  write<T>(call: WriteCall, work: (touched: Touched) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T;
      this.#jobs.push({
        call,
        deadline: performance.now() + call.deadlineMs,
        work(touched) {
          value = work(touched);
        },
        done: () => resolve(value),
        fail: reject,
      });
      this.#schedule();
    });
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#jobs.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#jobs.length === 0) return;
    this.#scheduled = true;
    if (this.#pauseMs === 0) setImmediate(() => this.#turn());
    else setTimeout(() => this.#turn(), this.#pauseMs * (0.5 + Math.random()));
  }

  #turn(): void {
    this.#scheduled = false;
    const jobs = this.#jobs;
    this.#jobs = [];
    const left = this.#transaction(jobs);
    this.#jobs = [...left, ...this.#jobs];
    this.#schedule();
    if (this.#jobs.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Returns the jobs that have yet to be done. */
  #transaction(jobs: readonly Job[]): readonly Job[] {
    try {
      this.#database.run(sql.begin, {});
    } catch (error) {
      return this.#notBegun(jobs, error);
    }
    this.#pauseMs = 0;
    const start = performance.now();
    const touched: Touched = new Set();
    const refused = new Map<Job, unknown>();
    let taken = 0;
    for (const job of jobs) {
      taken += 1;
      try {
        job.work(touched);
      } catch (error) {
        if (!isLovageError(error)) return this.#broken(jobs, job, error);
        refused.set(job, error);
      }
      if (performance.now() - start > longestTurnMs) break;
    }
    try {
      this.#database.run(sql.commit, {});
    } catch (error) {
      return this.#notCommitted(jobs, taken, error);
    }
    this.#madeRoom = false;
    this.#onCommitted(touched);
    for (const job of jobs.slice(0, taken)) {
      if (refused.has(job)) job.fail(refused.get(job));
      else job.done();
    }
    return jobs.slice(taken);
  }

  /** Nothing was written. While it is only busy, those with time left wait; all other faults are everybody's. */
  #notBegun(jobs: readonly Job[], error: unknown): readonly Job[] {
    const now = performance.now();
    const waiting = isBusy(error) ? jobs.filter((job) => job.deadline > now) : [];
    for (const job of jobs) if (!waiting.includes(job)) this.#fail(job, error);
    this.#pauseMs = waiting.length > 0 ? Math.min(25, Math.max(1, this.#pauseMs * 2)) : 0;
    return waiting;
  }

  /**
   * One job broke the transaction: it fails, and the others are done again without it. Where the file is full those behind it
   * fail too, or each of them would undo the ones before it once more.
   */
  #broken(jobs: readonly Job[], culprit: Job, error: unknown): readonly Job[] {
    this.#rollback();
    if (isFull(error) && this.#makeRoom()) return jobs;
    const failed = isFull(error) ? jobs.slice(jobs.indexOf(culprit)) : [culprit];
    for (const job of failed) this.#fail(job, error);
    return jobs.filter((job) => !failed.includes(job));
  }

  #notCommitted(jobs: readonly Job[], taken: number, error: unknown): readonly Job[] {
    this.#rollback();
    if (isFull(error) && this.#makeRoom()) return jobs;
    // A full disk is noticed before the commit record is written; after any other fault it may stand there.
    for (const job of jobs.slice(0, taken)) this.#fail(job, error, !isFull(error));
    return jobs.slice(taken);
  }

  /**
   * A store on a full disk must still be able to finish what it holds: once its log has been copied into the file, the log's
   * space serves again. Tried once between two commits; false: it was tried before, or there is nothing to gain.
   */
  #makeRoom(): boolean {
    if (this.#madeRoom) return false;
    this.#madeRoom = true;
    try {
      return this.#database.get(sql.checkpoint, {})?.busy === 0;
    } catch {
      return false; // the file itself has no room to grow: the full disk is reported by the call that met it
    }
  }

  #fail(job: Job, error: unknown, maybeAccepted = false): void {
    const { doing, taskIds = [] } = job.call;
    job.fail(toFault(error, { path: this.#path, doing, taskIds, maybeAccepted }));
  }

  /** After some faults SQLite has rolled back by itself and says that there is nothing to roll back. */
  #rollback(): void {
    this.#database.onRollback();
    try {
      this.#database.run(sql.rollback, {});
    } catch (error) {
      if (!/no transaction is active/.test(String(error))) throw error;
    }
  }
}
