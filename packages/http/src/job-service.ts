/**
 * What the routes do, without HTTP: take a job in, say how it stands, stop it, end it. The end of a job is written once,
 * by whoever sees its task's result first: a status request, or the watch that each service keeps over the open jobs.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type App, isLovageError, type ProgressEntry } from "lovage";
import type { LogEntry, StateStore } from "lovage/adapters";
import { asJobError, JobError } from "./job-error.ts";
import { explainFailure, readFailure } from "./job-failure.ts";
import { isJobId, JobFiles, type JobId, newJobId } from "./job-files.ts";
import { type JobEnd, type JobRecord, JobStore } from "./job-store.ts";
import { type JobView, viewJob } from "./job-view.ts";
import type { JobInput, Pipeline } from "./pipeline.ts";
import { receiveUpload, type Upload } from "./upload.ts";

export interface JobServiceOptions {
  readonly app: App;
  readonly pipeline: Pipeline;
  /** The folder that this service and the workers share. */
  readonly storage: string;
  /** How long job records are kept after their last change, milliseconds. Default 7 days; null: for ever. */
  readonly keepRecordsMs?: number | null;
  /** How long a cancelled run may take to stop by itself before its runner is killed. Default 2000. */
  readonly killAfterMs?: number;
}

/** Where an upload comes from: kept in the job's record. */
export interface JobOrigin {
  /** Made by `newJobId`; absent: a new one. */
  readonly id?: JobId;
  readonly correlationId: string;
  /** SHA-256 of the job's access token, base64url. */
  readonly tokenHash?: string;
  /** Whom the job belongs to: the owner of the API key. */
  readonly owner?: string;
  /** For the task, beside its job's id. */
  readonly tags?: readonly string[];
}

export interface JobAccess {
  readonly tokenHash: string | undefined;
  readonly owner: string | undefined;
}

export interface JobStats {
  readonly queued: number;
  readonly processing: number;
  readonly processed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Seconds from upload to end, over completed jobs; null while there are none. */
  readonly avg_seconds: number | null;
  readonly since: string | null;
}

const progressKept = 500;

interface Opened {
  readonly state: StateStore;
  readonly jobs: JobStore;
}

export class JobService {
  readonly pipeline: Pipeline;
  readonly #options: JobServiceOptions;
  readonly #stop = new AbortController();
  readonly #watched = new Map<JobId, Promise<void>>();
  readonly #takingBack = new Set<Promise<void>>();
  #opened: Promise<Opened> | undefined;

  constructor(options: JobServiceOptions) {
    this.#options = options;
    this.pipeline = options.pipeline;
  }

  /** Opens the state store and takes up the watch over jobs that were left open. Called by the first request otherwise. */
  async start(): Promise<void> {
    const { jobs } = await this.#open();
    for await (const id of jobs.ids()) {
      const record = await jobs.get(id);
      if (record?.pipeline === this.pipeline.name && !record.end) this.#watch(record);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([...this.#watched.values(), ...this.#takingBack]);
  }

  files(id: JobId): JobFiles {
    return new JobFiles(this.#options.storage, id);
  }

  /** @throws {JobError} when the upload is refused or the queue can't take it: nothing is left of it then. */
  async submit(request: Request, origin: JobOrigin): Promise<JobView> {
    const files = this.files(origin.id ?? newJobId());
    try {
      const { jobs } = await this.#open();
      const upload = await receiveUpload(request, files, this.pipeline.upload);
      const record = newRecord(files.id, this.pipeline.name, upload, origin);
      try {
        await jobs.create(record);
        await this.#send(record, upload, origin.tags ?? []);
      } catch (error) {
        this.#takeBack(record);
        throw error;
      }
      this.#watch(record);
      return viewJob(record, this.pipeline, [], false);
    } catch (error) {
      await files.remove();
      throw asJobError(error);
    }
  }

  /** A store that did not answer may have taken record and task all the same: a job without files must not be left of it. */
  #takeBack(record: JobRecord): void {
    const work: Promise<void> = this.#untilAnswered(async () => {
      const { jobs } = await this.#open();
      await this.#options.app.revoke(record.taskId, { terminate: true });
      await jobs.delete(record.id);
    }).finally(() => this.#takingBack.delete(work));
    this.#takingBack.add(work);
  }

  /** Never rejects. Gives up when the service is closed. */
  async #untilAnswered(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    for (let pauseMs = 250; !signal.aborted; pauseMs = Math.min(5000, 2 * pauseMs)) {
      try {
        return await work();
      } catch {
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #send(record: JobRecord, upload: Upload, tags: readonly string[]): Promise<void> {
    const input: JobInput = {
      id: record.id,
      files: upload.files.map(({ path, name, type, bytes, sha256 }) => ({
        file: path.slice(this.files(record.id).folder.length + 1),
        name,
        type,
        bytes,
        sha256,
      })),
      fields: upload.fields,
    };
    const sent = await this.#options.app.send(this.pipeline.task, [input], {
      taskId: record.taskId,
      correlationId: record.correlationId,
      tags: [`job:${record.id}`, ...tags],
    });
    if (sent.duplicate) throw new JobError(409, "JOB_DUPLICATE", "The same job waits or runs already. Nothing was kept of this one.");
  }

  /** @throws {JobError} 404 for an id we don't know. */
  async view(id: JobId): Promise<JobView> {
    const record = await this.#settle(await this.#record(id));
    const entries = await this.#progress(record);
    const started = !record.end && (await this.#options.app.result(record.taskId).state()) !== "PENDING";
    return viewJob(record, this.pipeline, entries, started);
  }

  /** Asks for the job's end. What it answers may still say that its code runs: then `cancelling` is true. Twice is fine. */
  async cancel(id: JobId): Promise<JobView> {
    const { jobs } = await this.#open();
    const before = await this.#settle(await this.#record(id));
    if (!before.end) {
      // First what stops it, then the note that we asked: a crash in between leaves a job that still ends as cancelled by its result.
      await this.#options.app.revoke({ root: before.taskId }, { terminate: true, killAfterMs: this.#options.killAfterMs ?? 2000 });
      await jobs.update(id, (record) =>
        record.end || record.cancelRequestedAt !== undefined ? null : { ...record, cancelRequestedAt: Date.now() },
      );
    }
    return this.view(id);
  }

  /** Cancels the job if it runs, and removes files and record. Twice is fine. */
  async delete(id: JobId): Promise<void> {
    const { jobs } = await this.#open();
    const record = await jobs.get(this.files(id).id);
    if (record && !record.end) await this.cancel(id);
    await this.files(id).remove();
    await jobs.delete(id);
  }

  /** Published outputs only. @throws {JobError} 404, 409 while it is not complete. */
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
    const { jobs } = await this.#open();
    const record = await jobs.get(id);
    return record?.pipeline === this.pipeline.name ? { tokenHash: record.tokenHash, owner: record.owner } : undefined;
  }

  /** Of the job's log; "" while it is empty. To `follow` from here on. */
  async lastEntry(id: JobId): Promise<string> {
    const { state } = await this.#open();
    return (await state.tail(logOf(await this.#record(id)), 1)).at(-1)?.id ?? "";
  }

  /** Whether the job has not ended. undefined: there is none. */
  async isOpen(id: JobId): Promise<boolean | undefined> {
    const { jobs } = await this.#open();
    const record = await jobs.get(id);
    return record && !(await this.#settle(record)).end;
  }

  async state(): Promise<StateStore> {
    return (await this.#open()).state;
  }

  /** The job's log after `after`: progress of its tasks, and its end. Ends when `signal` aborts. */
  async *follow(id: JobId, after: string, signal: AbortSignal): AsyncIterable<LogEntry> {
    const { state } = await this.#open();
    const record = await this.#record(id);
    yield* state.follow(logOf(record), after, AbortSignal.any([signal, this.#stop.signal]));
  }

  async stats(): Promise<JobStats> {
    const { jobs } = await this.#open();
    const count = { queued: 0, processing: 0, processed: 0, failed: 0, cancelled: 0 };
    let seconds = 0;
    let since = Number.POSITIVE_INFINITY;
    for await (const id of jobs.ids()) {
      const found = await jobs.get(id);
      if (found?.pipeline !== this.pipeline.name) continue;
      const record = await this.#settle(found);
      since = Math.min(since, record.createdAt);
      if (!record.end) count[(await this.view(id)).status === "queued" ? "queued" : "processing"] += 1;
      else if (record.end.status === "complete") {
        count.processed += 1;
        seconds += (record.end.at - record.createdAt) / 1000;
      } else count[record.end.code === "JOB_CANCELLED" ? "cancelled" : "failed"] += 1;
    }
    return {
      ...count,
      avg_seconds: count.processed ? seconds / count.processed : null,
      since: Number.isFinite(since) ? new Date(since).toISOString() : null,
    };
  }

  /** @throws when the queue does not answer within `deadlineMs`. */
  async ping(deadlineMs: number): Promise<void> {
    const store = await this.#options.app.store();
    await store.ping(deadlineMs);
  }

  async #record(id: JobId): Promise<JobRecord> {
    const { jobs } = await this.#open();
    const record = await jobs.get(this.files(id).id);
    if (record?.pipeline !== this.pipeline.name) throw new JobError(404, "JOB_NOT_FOUND", "There is no such job.");
    return record;
  }

  async #progress(record: JobRecord): Promise<readonly ProgressEntry[]> {
    const { state } = await this.#open();
    const entries = await state.tail(logOf(record), progressKept);
    return entries.map(({ data }) => JSON.parse(Buffer.from(data).toString("utf8"))).filter((entry) => entry.type !== "end");
  }

  /** Writes the end of the job if its task has ended; the record as it stands then. */
  async #settle(record: JobRecord): Promise<JobRecord> {
    if (record.end) return record;
    const end = await this.#endOf(record);
    if (!end) return record;
    const { jobs, state } = await this.#open();
    const updated = await jobs.update(record.id, (current) => (current.end ? null : { ...current, end: cancelledOr(current, end) }));
    if (updated?.changed) await state.append(logOf(record), [JSON.stringify({ type: "end", at: end.at })], { keep: progressKept + 1 });
    return updated?.record ?? record;
  }

  async #endOf(record: JobRecord): Promise<JobEnd | null> {
    const stored = await this.#options.app.result(record.taskId).info();
    if (!stored) return null;
    const at = stored.dateDone ? Date.parse(stored.dateDone) : Date.now();
    if (stored.state === "SUCCESS") {
      const outputs = await this.files(record.id).outputs();
      if (outputs) return { status: "complete", at, outputs, result: stored.result };
      return {
        status: "error",
        at,
        code: "STORAGE_NOT_SHARED",
        message: "The job ended without outputs in this service's storage: do its workers share the folder?",
        retryable: false,
      };
    }
    if (stored.state === "REVOKED") return { status: "error", at, code: "JOB_REVOKED", message: "The job was revoked.", retryable: true };
    if (stored.state === "FAILURE") return { status: "error", at, ...this.#explain(stored.result) };
    return null;
  }

  #explain(result: unknown): { readonly code: string; readonly message: string; readonly retryable: boolean } {
    const failure = readFailure(result);
    const { code, message, retryable = false } = this.pipeline.explain?.(failure) ?? explainFailure(failure);
    return { code, message, retryable };
  }

  #watch(record: JobRecord): void {
    if (this.#watched.has(record.id)) return;
    const watch = this.#options.app
      .result(record.taskId)
      .get({ signal: this.#stop.signal })
      .catch(() => undefined)
      .then(async () => {
        if (!this.#stop.signal.aborted) await this.#settle(record);
      })
      // A store that is away: the next status request, or the next start, writes the end.
      .catch((error) => {
        if (!isLovageError(error)) throw error;
      })
      .finally(() => this.#watched.delete(record.id));
    this.#watched.set(record.id, watch);
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#options.app
      .state()
      .then((state) => ({
        state,
        jobs: new JobStore(state, this.#options.keepRecordsMs === undefined ? 7 * 86_400_000 : this.#options.keepRecordsMs),
      }))
      .catch((error) => {
        this.#opened = undefined;
        throw error;
      });
    return this.#opened;
  }
}

const logOf = (record: JobRecord) => `progress/${record.taskId}`;

function newRecord(id: JobId, pipeline: string, upload: Upload, { correlationId, tokenHash, owner }: JobOrigin): JobRecord {
  const files = upload.files.map(({ name, type, bytes, sha256 }) => ({ name, type, bytes, sha256 }));
  const access = { ...(tokenHash !== undefined && { tokenHash }), ...(owner !== undefined && { owner }) };
  return { id, pipeline, taskId: randomUUID(), correlationId, createdAt: Date.now(), files, ...access };
}

/** A job that its client cancelled ends so, however its task put it; one that was complete before the cancel stays complete. */
function cancelledOr(record: JobRecord, end: JobEnd): JobEnd {
  if (record.cancelRequestedAt === undefined || end.status === "complete") return end;
  return { status: "error", at: end.at, code: "JOB_CANCELLED", message: "The job was cancelled.", retryable: true };
}
