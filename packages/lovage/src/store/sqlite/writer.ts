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
      this.#begin();
    } catch (error) {
      return this.#notBegun(jobs, error);
    }
    this.#pauseMs = 0;
    const start = performance.now();
    const touched: Touched = new Set();
    const worked: Job[] = [];
    const refused: [Job, unknown][] = [];
    let taken = 0;
    for (const job of jobs) {
      taken += 1;
      try {
        job.work(touched);
        worked.push(job);
      } catch (error) {
        if (!isLovageError(error)) return this.#broken(jobs, job, error);
        refused.push([job, error]);
      }
      if (performance.now() - start > longestTurnMs) break;
    }
    this.#commit(worked, touched);
    for (const [job, error] of refused) job.fail(error);
    return jobs.slice(taken);
  }

  #begin(): void {
    this.#database.run(sql.begin, {});
  }

  #commit(worked: readonly Job[], touched: Touched): void {
    try {
      this.#database.run(sql.commit, {});
    } catch (error) {
      this.#rollback();
      // A full disk is noticed before the commit record is written; after any other fault it may stand there.
      for (const job of worked) this.#fail(job, error, !isFull(error));
      return;
    }
    this.#onCommitted(touched);
    for (const job of worked) job.done();
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
    const at = jobs.indexOf(culprit);
    const failed = isFull(error) ? jobs.slice(at) : [culprit];
    for (const job of failed) this.#fail(job, error);
    return jobs.filter((job) => !failed.includes(job));
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
