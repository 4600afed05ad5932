/** A job's way in: files first, then its record and its task side by side. What is refused leaves nothing behind, not even later. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { SendOptions } from "lovage";
import { asJobError, JobError } from "../job-error.ts";
import { type JobId, newJobId } from "../job-files.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobInput } from "../pipeline.ts";
import { receiveUpload, type Upload } from "../upload.ts";
import { type FirstQueue, firstQueueOf } from "./first-queue.ts";
import type { JobWorld } from "./job-world.ts";

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
}

export class Submission {
  readonly #world: () => Promise<JobWorld>;
  readonly #signal: AbortSignal;
  readonly #takingBack = new Set<Promise<void>>();
  #queue: Promise<FirstQueue> | undefined;

  constructor(world: () => Promise<JobWorld>, signal: AbortSignal) {
    this.#world = world;
    this.#signal = signal;
  }

  /** @throws {JobError} when the upload is refused or the queue can't take it. */
  async take(request: Request, origin: JobOrigin): Promise<Submitted> {
    const world = await this.#world();
    const files = world.files(origin.id ?? newJobId());
    try {
      const upload = await receiveUpload(request, files, world.pipeline.upload);
      const input: JobInput = { id: files.id, ...upload };
      const own = world.pipeline.sendOptions?.(input) ?? {};
      this.#queue ??= firstQueueOf(world.app, world.pipeline);
      const { queue, priority } = { ...(await this.#queue), ...own };
      const record = newRecord(files.id, world, origin, queue, upload);
      await this.#enter(world, record, input, { ...own, tags: [`job:${record.id}`, ...(origin.tags ?? [])] });
      return { record, priority };
    } catch (error) {
      await files.remove();
      throw asJobError(error);
    }
  }

  async #enter(world: JobWorld, record: JobRecord, input: JobInput, options: SendOptions): Promise<void> {
    const { app, pipeline, jobs } = world;
    const { taskId, correlationId } = record;
    const [created, sent] = await Promise.allSettled([
      jobs.create(record),
      app.send(pipeline.task, [input], { ...options, taskId, correlationId }),
    ]);
    if (created.status === "fulfilled" && sent.status === "fulfilled" && !sent.value.duplicate) return;
    this.#takeBack(world, record);
    if (sent.status === "rejected") throw sent.reason;
    if (sent.value.duplicate) {
      throw new JobError(409, "JOB_DUPLICATE", "The same job waits or runs already. Nothing was kept of this one.");
    }
    throw (created as PromiseRejectedResult).reason;
  }

  /** A store that did not answer may have taken record and task all the same: a job without files must not be left of it. */
  #takeBack({ app, jobs }: JobWorld, record: JobRecord): void {
    const work: Promise<void> = untilAnswered(this.#signal, async () => {
      await app.revoke(record.taskId, { terminate: true });
      await jobs.delete(record.id);
    }).finally(() => this.#takingBack.delete(work));
    this.#takingBack.add(work);
  }

  /** Resolves when nothing of it goes on, once its signal is aborted. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#takingBack]);
  }
}

/** Tries again until it succeeds, or the signal aborts. Never rejects. */
export async function untilAnswered(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let pauseMs = 250; !signal.aborted; pauseMs = Math.min(5000, 2 * pauseMs)) {
    try {
      return await work();
    } catch {
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
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
