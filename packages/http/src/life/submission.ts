/** A job's way in: files first, then its record and its task side by side. What is refused leaves nothing behind, not even later. */
import { randomUUID } from "node:crypto";
import type { SendOptions } from "lovage";
import type { ChargeBytes } from "../intake/byte-meter.ts";
import { asJobError, JobError } from "../job-error.ts";
import { type JobId, newJobId } from "../job-files.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobInput } from "../pipeline.ts";
import { receiveUpload, type Upload } from "../upload.ts";
import { type FirstQueue, firstQueueOf } from "./first-queue.ts";
import type { JobWorld } from "./job-world.ts";
import { isAway, untilAnswered } from "./until-answered.ts";

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

export interface Submitted {
  readonly record: JobRecord;
  /** As in its message. */
  readonly priority: number;
  readonly accepted: "queue" | "spool";
}

export class Submission {
  readonly #world: JobWorld;
  readonly #signal: AbortSignal;
  readonly #inBackground = new Set<Promise<void>>();
  readonly #recorded: (record: JobRecord) => void;
  #queue: Promise<FirstQueue> | undefined;

  /** @param recorded hears of each job that was taken, once its record is there */
  constructor(world: JobWorld, signal: AbortSignal, recorded: (record: JobRecord) => void) {
    this.#world = world;
    this.#signal = signal;
    this.#recorded = recorded;
  }

  /** @throws {JobError} when the upload is refused or the queue can't take it. */
  async take(request: Request, origin: JobOrigin, charge?: ChargeBytes): Promise<Submitted> {
    const { app, intake, pipeline, arriving, files: filesOf, onFault } = this.#world;
    const files = filesOf(origin.id ?? newJobId());
    const leave = arriving.enter(files.id);
    try {
      // Refused before it is read.
      if (app.spool === null) await app.state();
      const upload = await receiveUpload(request, files, pipeline.upload, intake, charge);
      const input: JobInput = { id: files.id, ...upload };
      const own = pipeline.sendOptions?.(input) ?? {};
      this.#queue ??= firstQueueOf(app, pipeline);
      const { queue, priority } = { ...(await this.#queue), ...own };
      const record = newRecord(files.id, this.#world, origin, queue, upload);
      const options = { ...own, tags: [`job:${record.id}`, ...(origin.tags ?? [])] };
      return { priority, ...(await this.#enter(record, input, options)) };
    } catch (error) {
      // What stays is an orphan, for the sweeper. Why the upload was refused is what counts.
      await files.remove().catch(onFault);
      throw asJobError(error);
    } finally {
      leave();
    }
  }

  /** Brings in the records that were kept while the state store was away. Never rejects. */
  recover(): void {
    const { app, spooled } = this.#world;
    if (app.spool === null) return;
    this.#inBack(async () => {
      let failure: unknown;
      for await (const id of spooled.ids()) {
        await this.bringIn(id).catch((error: unknown) => {
          if (isAway(error)) throw error;
          failure ??= error;
        });
      }
      // The others are in, whatever is wrong with one.
      if (failure !== undefined) throw failure;
    });
  }

  /** The record of a job that came while the state store was away, which it gets to now. undefined: none was kept. */
  async bringIn(id: JobId): Promise<JobRecord | undefined> {
    const { app, jobs, spooled, pipeline } = this.#world;
    const record = app.spool === null ? undefined : await spooled.get(id);
    if (record === undefined || record.pipeline !== pipeline.name) return undefined;
    await jobs.create(record);
    await spooled.remove(id);
    this.#recorded(record);
    return jobs.get(id);
  }

  async #enter(record: JobRecord, input: JobInput, options: SendOptions): Promise<Pick<Submitted, "record" | "accepted">> {
    const { app, pipeline, jobs } = this.#world;
    const { taskId, correlationId } = record;
    const send = () => app.send(pipeline.task, [input], { ...options, taskId, correlationId });
    const creating = jobs.create(record);
    // A spool takes it in any case, and nobody is to wait for both. Else nothing is sent that nobody knows of.
    const sending = app.spool === null ? creating.then(send) : send();
    const [created, sent] = await Promise.allSettled([creating, sending]);
    try {
      if (sent.status === "rejected") throw sent.reason;
      if (sent.value.duplicate)
        throw new JobError(409, "JOB_DUPLICATE", "The same job waits or runs already. Nothing was kept of this one.");
      if (created.status === "fulfilled") return await this.#accept(record);
      return { record: await this.#keepSpooled(record, created.reason), accepted: "spool" };
    } catch (error) {
      // It may have been sent: the job stands, or it is taken back.
      this.#takeBack(record);
      throw error;
    }
  }

  /** @throws `why` there was no record to be had, unless it was that the store is away and there is a spool. */
  async #keepSpooled(record: JobRecord, why: unknown): Promise<JobRecord> {
    const { app, spooled } = this.#world;
    if (app.spool === null || !isAway(why)) throw why;
    const kept: JobRecord = { ...record, spooled: true };
    await spooled.keep(kept);
    this.recover();
    return kept;
  }

  /** As long as anything waits in the spool, what is sent queues up behind it. A spool that can't say so changes nothing: the job stands. */
  async #accept(record: JobRecord): Promise<Pick<Submitted, "record" | "accepted">> {
    const { app, jobs, onFault } = this.#world;
    this.#recorded(record);
    const status = await app.spool?.status().catch(onFault);
    if (!status || status.waiting === 0) return { record, accepted: "queue" };
    // Else a sweep that finds it in no queue takes it for lost.
    await jobs.update(record.id, (current) => ({ ...current, spooled: true })).catch(onFault);
    return { record, accepted: "spool" };
  }

  /** A store that did not answer may have taken record and task all the same: a job without files must not be left of it. */
  #takeBack(record: JobRecord): void {
    const { app, jobs, spooled, files } = this.#world;
    this.#inBack(async () => {
      if (app.spool !== null) await spooled.remove(record.id);
      await app.revoke(record.taskId, { terminate: true });
      await jobs.delete(record.id);
      await files(record.id).remove();
    });
  }

  #inBack(work: () => Promise<void>): void {
    const tracked: Promise<void> = untilAnswered(this.#signal, this.#world.onFault, work).finally(() => this.#inBackground.delete(tracked));
    this.#inBackground.add(tracked);
  }

  /** Resolves when nothing of it goes on, once its signal is aborted. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#inBackground]);
  }
}

function newRecord(id: JobId, { pipeline, clock }: JobWorld, origin: JobOrigin, queue: string, upload: Upload): JobRecord {
  const { correlationId, tokenHash, owner } = origin;
  return {
    ...{ id, pipeline: pipeline.name, taskId: randomUUID(), queue, correlationId, createdAt: clock.now() },
    ...(tokenHash !== undefined && { tokenHash }),
    ...(owner !== undefined && { owner }),
    files: upload.files.map(({ name, type, bytes, sha256 }) => ({ name, type, bytes, sha256 })),
  };
}
