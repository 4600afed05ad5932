/**
 * What the routes do, without HTTP: take a job in, say how it stands, stop it, delete it, count. The parts of it are in `life/`;
 * the files of a job are `JobFiles`.
 */
import { randomBytes } from "node:crypto";
import { type App, type Clock, durationSeconds } from "lovage";
import type { LogEntry, StateStore } from "lovage/adapters";
import { JobError } from "./job-error.ts";
import { isJobId, JobFiles, type JobId } from "./job-files.ts";
import type { JobRecord } from "./job-record.ts";
import { JobStore } from "./job-store.ts";
import { type JobView, viewJob } from "./job-view.ts";
import { Deletion } from "./life/deletion.ts";
import { firstQueueOf } from "./life/first-queue.ts";
import { countersKey, type JobStats, meanRunSeconds, sinceKey, statsOf } from "./life/job-counts.ts";
import { hasEnded } from "./life/job-end.ts";
import { JobLog } from "./life/job-log.ts";
import { JobSteps } from "./life/job-steps.ts";
import { JobWatch } from "./life/job-watch.ts";
import type { JobWorld } from "./life/job-world.ts";
import { type JobOrigin, Submission, untilAnswered } from "./life/submission.ts";
import { Sweeper, type Swept } from "./life/sweeper.ts";
import { WaitingLine } from "./life/waiting-line.ts";
import { type Pipeline, progressOf } from "./pipeline.ts";
import type { JobStorage } from "./storage/job-storage.ts";
import { openStorage, type StorageSpec } from "./storage/open-storage.ts";

export interface JobServiceOptions {
  readonly app: App;
  readonly pipeline: Pipeline;
  /** What this service and the workers share: a folder's path, a URL, or a `JobStorage`. */
  readonly storage: StorageSpec;
  /** How long a job's record outlives its files, milliseconds. Default 7 days; null: for ever. */
  readonly keepRecordsMs?: number | null;
  /** How long a cancelled run may take to stop by itself before its runner is killed. Default 2000. */
  readonly killAfterMs?: number;
  /** How often this service sweeps, about. Default 60 000; null: only when `sweep` is called. */
  readonly sweepEveryMs?: number | null;
  /** Bytes that the files of all jobs may take: above it the jobs that ended first lose theirs before their time. Default: no limit. */
  readonly quotaBytes?: number;
  /** How long files without a job, and what killed runs left, stay. Default 1 h. */
  readonly orphanGraceMs?: number;
  /** Where faults of work in the background go, such as a sweep's. */
  readonly onFault?: (error: unknown) => void;
  /** What time it is. Default: the machine's. */
  readonly clock?: Pick<Clock, "now">;
}

export interface JobAccess {
  readonly tokenHash: string | undefined;
  readonly owner: string | undefined;
}

const day = 86_400_000;

interface Opened extends JobWorld {
  readonly state: StateStore;
  readonly steps: JobSteps;
  readonly watch: JobWatch;
  readonly sweeper: Sweeper;
  readonly deletion: Deletion;
}

export class JobService {
  readonly pipeline: Pipeline;
  readonly storage: JobStorage;
  readonly retentionMs: number | null;
  readonly #options: JobServiceOptions;
  readonly #stop = new AbortController();
  readonly #submission: Submission;
  readonly #lines = new Map<string, WaitingLine>();
  /** Seconds that a job's code takes, of late. */
  readonly #lately: number[] = [];
  /** The same over all jobs before this service began. */
  #everTaken: Promise<number | null> | undefined;
  #opened: Promise<Opened> | undefined;

  /** @throws {ConfigError} LOVAGE_DURATION_INVALID for the pipeline's retention, LOVAGE_STORAGE_INVALID. */
  constructor(options: JobServiceOptions) {
    this.#options = options;
    this.pipeline = options.pipeline;
    this.storage = openStorage(options.storage);
    const { retention = "24h" } = options.pipeline;
    this.retentionMs = retention === null ? null : durationSeconds(retention, `retention of pipeline ${options.pipeline.name}`) * 1000;
    this.#submission = new Submission(() => this.#open(), this.#stop.signal);
  }

  /** Opens the state store, takes up the watch over jobs that were left open, and sweeps from now on. */
  async start(): Promise<void> {
    const { jobs, watch, sweeper } = await this.#open();
    for await (const page of jobs.pages()) watch.add(page.filter((record) => this.#isOurs(record) && record.end === undefined));
    sweeper.start(this.#options.sweepEveryMs === undefined ? 60_000 : this.#options.sweepEveryMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const opened = await this.#opened?.catch(() => undefined);
    await Promise.allSettled([opened?.watch.settled(), opened?.sweeper.settled(), this.#submission.settled()]);
  }

  files(id: JobId): JobFiles {
    return new JobFiles(this.storage, id);
  }

  /** @throws {JobError} when the upload is refused or the queue can't take it: nothing is left of it then. */
  async submit(request: Request, origin: JobOrigin): Promise<JobView> {
    const { record, priority } = await this.#submission.take(request, origin);
    const { watch } = await this.#open();
    watch.add([record]);
    this.#lineOf(record).sent(record.taskId, priority);
    const accepted = await this.#whoHasIt();
    // Whose place would be asked of a broker that is away.
    const place = accepted === "queue" ? await this.#placeOf(record) : undefined;
    const view = viewJob(record, { progress: { fraction: 0, step: null }, ...(place && { place }) }, this.retentionMs);
    return { ...view, accepted };
  }

  /** @throws {JobError} 404 for an id we don't know. */
  async view(id: JobId): Promise<JobView> {
    const { steps, log } = await this.#open();
    const found = await this.#record(id);
    if (found.end !== undefined) return viewJob(found, { progress: found.end.progress }, this.retentionMs);
    const [settled, entries, place] = await Promise.all([
      steps.settle(found),
      log.progress(found),
      found.startedAt === undefined ? this.#placeOf(found) : undefined,
    ]);
    const record = entries.length > 0 ? await steps.begin(settled) : settled;
    const progress = record.end?.progress ?? progressOf(this.pipeline, entries);
    return viewJob(record, { progress, ...(place && { place }) }, this.retentionMs);
  }

  /** Asks for the job's end. What it answers may still say that its code runs: then `cancelling` is true. Twice is fine. */
  async cancel(id: JobId): Promise<JobView> {
    const { steps, deletion } = await this.#open();
    const before = await steps.settle(await this.#record(id));
    if (before.end === undefined) await deletion.cancel(before);
    return this.view(id);
  }

  /**
   * Ends the job if it is open, and removes its files and all that is known of it. "deleting": its code has not stopped yet; the
   * rest goes when it has, whatever becomes of this service. For clients it is gone at once. Twice is fine, as is an unknown id.
   */
  async delete(id: JobId): Promise<"deleted" | "deleting"> {
    const { jobs, deletion } = await this.#open();
    const record = await jobs.get(this.files(id).id);
    if (record === undefined || !this.#isOurs(record)) return "deleted";
    return deletion.delete(record);
  }

  /** Published outputs only. @throws {JobError} 404; 409 while it is not complete; 410 once they are no longer kept. */
  async outputsOf(id: JobId): Promise<JobFiles> {
    const view = await this.view(id);
    if (view.status !== "complete") {
      throw new JobError(
        409,
        "JOB_NOT_COMPLETE",
        `The job is ${view.status}${view.error ? ` (${view.error.code})` : ""}; there is nothing to download.`,
      );
    }
    const files = this.files(id);
    if ((await files.outputs()) === null) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
    return files;
  }

  /** Who may touch the job. undefined: there is none. */
  async accessOf(id: JobId): Promise<JobAccess | undefined> {
    if (!isJobId(id)) return undefined;
    const record = await this.#find(id);
    return record && { tokenHash: record.tokenHash, owner: record.owner };
  }

  /** Whether the job has not ended. undefined: there is none. */
  async isOpen(id: JobId): Promise<boolean | undefined> {
    const record = await this.#find(id);
    return record && (await (await this.#open()).steps.settle(record)).end === undefined;
  }

  async state(): Promise<StateStore> {
    return (await this.#open()).state;
  }

  /** Of the job's log; "" while it is empty. To `follow` from here on. */
  async lastEntry(id: JobId): Promise<string> {
    const { log } = await this.#open();
    return log.last(await this.#record(id));
  }

  /** The job's log after `after`: progress of its tasks, and its end. Ends when `signal` aborts. */
  async *follow(id: JobId, after: string, signal: AbortSignal): AsyncIterable<LogEntry> {
    const { log } = await this.#open();
    const record = await this.#record(id);
    yield* log.follow(record, after, AbortSignal.any([signal, this.#stop.signal]));
  }

  /** From counters: as fast with a million jobs as with one. */
  async stats(): Promise<JobStats> {
    const { state } = await this.#open();
    const [counts, [since]] = await Promise.all([
      state.add(countersKey(this.pipeline.name), {}),
      state.read([sinceKey(this.pipeline.name)]),
    ]);
    return statsOf(counts, since ? new Date(Number(Buffer.from(since.value).toString())).toISOString() : null);
  }

  /** Removes what has had its time, finishes what was begun. As often as you like, from several services at once. */
  async sweep(): Promise<Swept> {
    return (await this.#open()).sweeper.sweep();
  }

  /** @throws when the queue does not answer within `deadlineMs`. */
  async ping(deadlineMs: number): Promise<void> {
    const store = await this.#options.app.store();
    await store.ping(deadlineMs);
  }

  /** Names of the nodes that take from the queue where its jobs begin. Python's do not count. */
  async workers(): Promise<readonly string[]> {
    const { app } = this.#options;
    const { queue } = await firstQueueOf(app, this.pipeline);
    return (await app.queues.list([queue]))[0]?.consumers ?? [];
  }

  /** Writes an object there, and removes it. @throws {StorageError} when that fails. */
  async isStorageWritable(): Promise<boolean> {
    const probe = `.lovage-probe/${randomBytes(8).toString("hex")}`;
    await this.storage.put(probe, Buffer.alloc(0));
    await this.storage.remove(probe);
    return true;
  }

  #isOurs(record: JobRecord): boolean {
    return record.pipeline === this.pipeline.name;
  }

  /** @throws {JobError} 404 */
  async #record(id: JobId): Promise<JobRecord> {
    const record = await this.#find(this.files(id).id);
    if (record === undefined) throw new JobError(404, "JOB_NOT_FOUND", "There is no such job.");
    return record;
  }

  /** For clients: one that is to be deleted is not there any more. */
  async #find(id: JobId): Promise<JobRecord | undefined> {
    const { jobs } = await this.#open();
    const record = await jobs.get(id);
    return record !== undefined && this.#isOurs(record) && record.deletingAt === undefined ? record : undefined;
  }

  async #placeOf(record: JobRecord): Promise<Awaited<ReturnType<WaitingLine["placeOf"]>>> {
    return this.#lineOf(record).placeOf(record.taskId, await this.#runSeconds());
  }

  /** While anything waits in the app's spool, whatever is sent queues up behind it. */
  async #whoHasIt(): Promise<"queue" | "spool"> {
    const { spool } = this.#options.app;
    return spool !== null && (await spool.status()).waiting > 0 ? "spool" : "queue";
  }

  #lineOf({ queue }: JobRecord): WaitingLine {
    const known = this.#lines.get(queue);
    if (known !== undefined) return known;
    const line = new WaitingLine(this.#options.app, queue, this.pipeline.task.name);
    this.#lines.set(queue, line);
    return line;
  }

  /** Of late, or of all jobs if this service has seen none. */
  async #runSeconds(): Promise<number | null> {
    if (this.#lately.length > 0) return this.#lately.reduce((sum, seconds) => sum + seconds, 0) / this.#lately.length;
    const { state } = await this.#open();
    this.#everTaken ??= state.add(countersKey(this.pipeline.name), {}).then(meanRunSeconds, () => null);
    return this.#everTaken;
  }

  /** It has begun, or ended. */
  #moved({ taskId, queue, startedAt, end }: JobRecord, watch: JobWatch): void {
    this.#lines.get(queue)?.left(taskId);
    if (end === undefined || !watch.done(taskId) || end.status !== "complete" || startedAt === undefined) return;
    this.#lately.push(Math.max(0, end.at - startedAt) / 1000);
    if (this.#lately.length > 50) this.#lately.shift();
  }

  #saw(world: JobWorld, steps: () => JobSteps, id: JobId, state: string): Promise<void> {
    return untilAnswered(this.#stop.signal, async () => {
      const record = await world.jobs.get(id);
      if (record === undefined) return;
      if (hasEnded(state)) await steps().settle(record);
      else if (state !== "PENDING") await steps().begin(record);
    });
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#openNow().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #openNow(): Promise<Opened> {
    const { app, keepRecordsMs = 7 * day, clock = Date } = this.#options;
    const state = await app.state();
    const { retentionMs, pipeline } = this;
    const keepMs = retentionMs === null || keepRecordsMs === null ? null : retentionMs + keepRecordsMs;
    const world: JobWorld = {
      ...{ app, pipeline, clock, retentionMs },
      jobs: new JobStore(state, keepMs),
      log: new JobLog(state, Math.max(day, retentionMs ?? day)),
      files: (id) => this.files(id),
    };
    const watch: JobWatch = new JobWatch({
      app,
      signal: this.#stop.signal,
      saw: (id, stored) => this.#saw(world, () => steps, id, stored),
    });
    const steps: JobSteps = new JobSteps(world, (record) => this.#moved(record, watch));
    const deletion = new Deletion(world, steps, this.#options.killAfterMs ?? 2000);
    const sweeper = new Sweeper({
      ...this.#options,
      storage: this.storage,
      world,
      steps,
      deletion,
      keepRecordsMs: keepMs,
      signal: this.#stop.signal,
    });
    return { ...world, state, steps, watch, deletion, sweeper };
  }
}
