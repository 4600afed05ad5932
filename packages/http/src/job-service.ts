/**
 * What the routes do, without HTTP: take a job in, say how it stands, stop it, delete it, count. The parts of it are in `life/`;
 * the files of a job are `JobFiles`.
 */
import { randomBytes } from "node:crypto";
import { type App, type Clock, durationSeconds } from "lovage";
import type { LogEntry, StateStore } from "lovage/adapters";
import type { ChargeBytes } from "./intake/byte-meter.ts";
import { Intake, type IntakeLimits } from "./intake/intake.ts";
import { checkRules } from "./intake/upload-rules.ts";
import { JobError, noSuchJob } from "./job-error.ts";
import { isJobId, JobFiles, type JobId } from "./job-files.ts";
import type { JobRecord } from "./job-record.ts";
import { JobStore } from "./job-store.ts";
import { type JobView, viewJob } from "./job-view.ts";
import { Arriving } from "./life/arriving.ts";
import { Deletion } from "./life/deletion.ts";
import { firstQueueOf } from "./life/first-queue.ts";
import { countersKey, type JobStats, meanRunSeconds, sinceKey, statsOf } from "./life/job-counts.ts";
import { hasEnded } from "./life/job-end.ts";
import { isEndMark, JobLog } from "./life/job-log.ts";
import { JobSteps } from "./life/job-steps.ts";
import { JobWatch, type WatchedJob } from "./life/job-watch.ts";
import type { JobWorld } from "./life/job-world.ts";
import { SpooledJobs } from "./life/spooled-jobs.ts";
import { type JobOrigin, Submission } from "./life/submission.ts";
import { Sweeper, type Swept } from "./life/sweeper.ts";
import { isAway, untilAnswered } from "./life/until-answered.ts";
import { WaitingLines } from "./life/waiting-lines.ts";
import { linkedSignal } from "./linked-signal.ts";
import { guardedPipeline, type Pipeline, progressOf } from "./pipeline.ts";
import type { JobStorage } from "./storage/job-storage.ts";
import { openStorage, type StorageSpec } from "./storage/open-storage.ts";
import { SharedProbe } from "./storage/shared-probe.ts";

export interface JobServiceOptions {
  readonly app: App;
  readonly pipeline: Pipeline;
  /** What this service and the workers share: a folder's path, a URL, or a `JobStorage`. */
  readonly storage: StorageSpec;
  /** What is taken in at a time, from how slow clients, with how little space left. */
  readonly intake?: IntakeLimits;
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
  /** Where faults go that no client is told of, such as a sweep's, or of what cleans up behind a refused upload. */
  readonly onFault?: (error: unknown) => void;
  /** What time it is. Default: the machine's. */
  readonly clock?: Pick<Clock, "now">;
}

export interface JobAccess {
  readonly tokenHash: string | undefined;
  readonly owner: string | undefined;
}

const day = 86_400_000;

export class JobService {
  readonly pipeline: Pipeline;
  readonly storage: JobStorage;
  readonly retentionMs: number | null;
  readonly #options: JobServiceOptions;
  readonly #stop = new AbortController();
  readonly #world: JobWorld;
  readonly #steps: JobSteps;
  readonly #watch: JobWatch;
  readonly #lines: WaitingLines;
  readonly #submission: Submission;
  readonly #deletion: Deletion;
  readonly #sweeper: Sweeper;
  readonly #sharing: SharedProbe;
  #starting: Promise<void> | undefined;

  /** @throws {ConfigError} LOVAGE_DURATION_INVALID for the pipeline's retention, LOVAGE_STORAGE_INVALID, LOVAGE_UPLOAD_RULES_INVALID. */
  constructor(options: JobServiceOptions) {
    this.#options = options;
    const onFault = (error: unknown) => options.onFault?.(error);
    this.pipeline = guardedPipeline(options.pipeline, onFault);
    this.storage = openStorage(options.storage);
    const { pipeline } = this;
    const { app, keepRecordsMs = 7 * day, clock = Date, killAfterMs = 2000 } = options;
    const { retention = "24h" } = pipeline;
    this.retentionMs = retention === null ? null : durationSeconds(retention, `retention of pipeline ${pipeline.name}`) * 1000;
    const { signal } = this.#stop;
    const keepMs = this.retentionMs === null || keepRecordsMs === null ? null : this.retentionMs + keepRecordsMs;
    checkRules(pipeline.name, pipeline.upload);
    const world: JobWorld = {
      intake: new Intake(options.intake),
      ...{ app, pipeline, clock, retentionMs: this.retentionMs },
      jobs: new JobStore(() => app.state(), keepMs),
      log: new JobLog(() => app.state(), Math.max(day, this.retentionMs ?? day)),
      spooled: new SpooledJobs(this.storage),
      arriving: new Arriving(() => app.state(), signal, onFault),
      files: (id) => this.files(id),
      onFault,
    };
    this.#world = world;
    this.#watch = new JobWatch({ app, signal, saw: (job, state) => this.#saw(job, state) });
    this.#lines = new WaitingLines(app, pipeline.task.name, async () =>
      meanRunSeconds(await (await this.state()).add(countersKey(pipeline.name), {})),
    );
    this.#steps = new JobSteps(world, (record) => this.#moved(record));
    this.#submission = new Submission(world, signal, (record) => this.#watch.add([record]));
    this.#deletion = new Deletion(world, this.#steps, killAfterMs);
    this.#sharing = new SharedProbe(app, this.storage);
    const parts = { world, storage: this.storage, steps: this.#steps, deletion: this.#deletion };
    this.#sweeper = new Sweeper({ ...options, ...parts, keepRecordsMs: keepMs, signal });
  }

  /**
   * Takes up the watch over jobs that were left open, and sweeps from now on. Where the app sends through a spool, a store that is
   * away is waited for in the background. @throws {BrokerUnavailableError}
   */
  async start(): Promise<void> {
    const { sweepEveryMs = 60_000, app } = this.#options;
    try {
      await this.#takeUp();
    } catch (error) {
      if (app.spool === null || !isAway(error)) throw error;
      this.#starting = untilAnswered(this.#stop.signal, this.#world.onFault, () => this.#takeUp());
    }
    this.#submission.recover();
    this.#sweeper.start(sweepEveryMs);
  }

  async #takeUp(): Promise<void> {
    for await (const page of this.#world.jobs.pages())
      this.#watch.add(page.filter((record) => this.#isOurs(record) && record.end === undefined));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const parts = [this.#watch, this.#sweeper, this.#submission, this.#world.arriving];
    await Promise.allSettled([this.#starting, ...parts.map((part) => part.settled())]);
  }

  files(id: JobId): JobFiles {
    return new JobFiles(this.storage, id);
  }

  /**
   * `charge` is called for the bytes of the upload while they come; none is under way any more when this has ended.
   * @throws {JobError} when the upload is refused or the queue can't take it: nothing is left of it then. What `charge` throws.
   */
  async submit(request: Request, origin: JobOrigin, charge?: ChargeBytes): Promise<JobView> {
    const { record, priority, accepted } = await this.#submission.take(request, origin, charge);
    const progress = { fraction: 0, step: null };
    if (accepted === "spool") return { ...viewJob(record, { progress }, this.retentionMs), position: null, accepted };
    this.#lines.sent(record, priority);
    // It is accepted, whatever becomes of this question.
    const place = await this.#lines.placeOf(record).catch(() => ({ position: null }));
    return { ...viewJob(record, { progress, place }, this.retentionMs), accepted };
  }

  /** @throws {JobError} 404 for an id we don't know. */
  async view(id: JobId): Promise<JobView> {
    const found = await this.#record(id).catch((error) => this.#viewKept(id, error));
    if ("accepted" in found) return found;
    if (found.end !== undefined) return viewJob(found, { progress: found.end.progress }, this.retentionMs);
    const [settled, entries, place] = await Promise.all([
      // What is watched is settled as it happens: a question need not wait for what an end takes, such as a look at the outputs.
      this.#watch.sees(found.taskId) ? found : this.#steps.settle(found),
      this.#world.log.progress(found),
      found.startedAt === undefined ? this.#lines.placeOf(found) : undefined,
    ]);
    const record = entries.length > 0 ? await this.#steps.begin(settled) : settled;
    const progress = record.end?.progress ?? progressOf(this.pipeline, entries);
    return viewJob(record, { progress, ...(place && { place }) }, this.retentionMs);
  }

  /** Asks for the job's end. What it answers may still say that its code runs: then `cancelling` is true. Twice is fine. */
  async cancel(id: JobId): Promise<JobView> {
    const before = await this.#steps.settle(await this.#record(id));
    if (before.end === undefined) await this.#deletion.cancel(before);
    return this.view(id);
  }

  /**
   * Ends the job if it is open, and removes its files and all that is known of it. "deleting": its code has not stopped yet; the
   * rest goes when it has, whatever becomes of this service. For clients it is gone at once. Twice is fine, as is an unknown id.
   */
  async delete(id: JobId): Promise<"deleted" | "deleting"> {
    const record = await this.#lookUp(this.files(id).id);
    return record === undefined ? "deleted" : this.#deletion.delete(record);
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
    const record = await this.#find(id).catch((error) => this.#kept(id, error));
    return record && { tokenHash: record.tokenHash, owner: record.owner };
  }

  /** Whether the job has not ended. undefined: there is none. */
  async isOpen(id: JobId): Promise<boolean | undefined> {
    const record = await this.#find(id);
    return record && (await this.#steps.settle(record)).end === undefined;
  }

  state(): Promise<StateStore> {
    return this.#options.app.state();
  }

  /** Of the job's log; "" while it is empty. To `follow` from here on. */
  async lastEntry(id: JobId): Promise<string> {
    return this.#world.log.last(await this.#record(id));
  }

  /** The job's log after `after`: progress of its tasks, and its end. Ends when `signal` aborts. */
  async *follow(id: JobId, after: string, signal: AbortSignal): AsyncIterable<LogEntry> {
    const record = await this.#record(id);
    const until = linkedSignal(signal, this.#stop.signal);
    try {
      for await (const entry of this.#world.log.follow(record, after, until.signal)) {
        // It is said in the log a moment before it stands in the record: whoever reads it here finds it there.
        if (isEndMark(entry)) await this.#steps.settle(record);
        yield entry;
      }
    } finally {
      until.end();
    }
  }

  /** From counters: as fast with a million jobs as with one. */
  async stats(): Promise<JobStats> {
    const state = await this.state();
    const [counts, [since]] = await Promise.all([
      state.add(countersKey(this.pipeline.name), {}),
      state.read([sinceKey(this.pipeline.name)]),
    ]);
    return statsOf(counts, since ? new Date(Number(Buffer.from(since.value).toString())).toISOString() : null);
  }

  /** Removes what has had its time, finishes what was begun. As often as you like, from several services at once. */
  sweep(): Promise<Swept> {
    return this.#sweeper.sweep();
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

  /** Why workers and this service do not share the storage; undefined: they do, as far as those say that know how. */
  async storageProblem(): Promise<string | undefined> {
    return this.#sharing.problem(await this.workers());
  }

  #isOurs(record: JobRecord): boolean {
    return record.pipeline === this.pipeline.name;
  }

  /** @throws {JobError} 404 */
  async #record(id: JobId): Promise<JobRecord> {
    const record = await this.#find(this.files(id).id);
    if (record === undefined) throw noSuchJob();
    return record;
  }

  /** As it is seen while the store is away. @throws `error` where it waits on no disk. */
  async #viewKept(id: JobId, error: unknown): Promise<JobView & Pick<Required<JobView>, "accepted">> {
    const record = await this.#kept(id, error);
    return { ...viewJob(record, { progress: { fraction: 0, step: null } }, this.retentionMs), position: null, accepted: "spool" };
  }

  /** As it came while the store is away. @throws `error` where it waits on no disk. */
  async #kept(id: JobId, error: unknown): Promise<JobRecord> {
    const record = this.#options.app.spool !== null && isAway(error) ? await this.#world.spooled.get(id) : undefined;
    if (record === undefined || !this.#isOurs(record)) throw error;
    return record;
  }

  /** For clients: one that is to be deleted is not there any more. */
  async #find(id: JobId): Promise<JobRecord | undefined> {
    const record = await this.#lookUp(id);
    return record?.deletingAt === undefined ? record : undefined;
  }

  async #lookUp(id: JobId): Promise<JobRecord | undefined> {
    const record = (await this.#world.jobs.get(id)) ?? (await this.#submission.bringIn(id));
    return record !== undefined && this.#isOurs(record) ? record : undefined;
  }

  /** It has begun, or ended. */
  #moved(record: JobRecord): void {
    this.#lines.moved(record, record.end !== undefined && this.#watch.done(record.taskId));
  }

  #saw({ id, taskId }: WatchedJob, state: string): Promise<void> {
    return untilAnswered(this.#stop.signal, this.#world.onFault, async () => {
      const record = await this.#world.jobs.get(id);
      // Another service has deleted it.
      if (record === undefined) this.#watch.done(taskId);
      else if (hasEnded(state)) await this.#steps.settle(record);
      else if (state !== "PENDING") await this.#steps.begin(record);
    });
  }
}
