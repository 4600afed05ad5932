/**
 * The steps of a job's record: seen to begin, ended, lost. Each is written once, by whoever sees it first: a status request, the
 * watch of a service, or a sweep. What is said of it in the job's log is said before: who reads it there looks, and writes the step
 * if nobody has.
 */

import type { JobRecord } from "../job-record.ts";
import { type JobProgress, progressOf } from "../pipeline.ts";
import { StorageError } from "../storage/storage-error.ts";
import { endOf, hasEnded, lostEnd } from "./job-end.ts";
import type { JobWorld } from "./job-world.ts";

export class JobSteps {
  readonly #world: JobWorld;
  readonly #moved: (record: JobRecord) => void;

  /** @param moved hears of each job that is known to have begun or ended, maybe several times */
  constructor(world: JobWorld, moved: (record: JobRecord) => void) {
    this.#world = world;
    this.#moved = moved;
  }

  /** The record as it stands once what is known of its task is written into it. */
  async settle(record: JobRecord): Promise<JobRecord> {
    if (record.end !== undefined) {
      this.#moved(record);
      return record;
    }
    const { app, pipeline, clock } = this.#world;
    const stored = await app.result(record.taskId).info();
    if (stored === undefined || stored.state === "PENDING") return record;
    if (!hasEnded(stored.state)) return this.begin(record);
    const [outputs, progress] = await Promise.all([stored.state === "SUCCESS" ? this.#outputs(record) : null, this.progress(record)]);
    return this.#end(record, (current) => endOf(current, pipeline, { stored, outputs, progress, now: clock.now() }));
  }

  /** It was seen to run. */
  async begin(record: JobRecord): Promise<JobRecord> {
    if (record.startedAt !== undefined || record.end !== undefined) return record;
    const { jobs, log, clock } = this.#world;
    const startedAt = clock.now();
    await log.mark(record, "started", startedAt);
    const updated = await jobs.update(record.id, (current) =>
      current.startedAt === undefined && current.end === undefined ? { ...current, startedAt } : null,
    );
    const begun = updated?.record ?? record;
    this.#moved(begun);
    return begun;
  }

  /** Nothing is left of its task anywhere. */
  async lose(record: JobRecord): Promise<JobRecord> {
    const { app, clock } = this.#world;
    const progress = await this.progress(record);
    const { resultExpires } = app.config;
    const keptMs = resultExpires === null || resultExpires === 0 ? null : resultExpires * 1000;
    return this.#end(record, (current) => lostEnd(current, keptMs, progress, clock.now()));
  }

  async progress(record: JobRecord): Promise<JobProgress> {
    return progressOf(this.#world.pipeline, await this.#world.log.progress(record));
  }

  /** An error: why they can never be read. Asking again would not help, so the job must not stay open for it. */
  async #outputs({ id }: JobRecord): Promise<readonly string[] | null | StorageError> {
    try {
      return await this.#world.files(id).outputs();
    } catch (error) {
      if (error instanceof StorageError && ["STORAGE_KEY_UNKNOWN", "STORAGE_DAMAGED"].includes(error.code)) return error;
      throw error;
    }
  }

  async #end(record: JobRecord, make: (current: JobRecord) => NonNullable<JobRecord["end"]>): Promise<JobRecord> {
    const { jobs, log, clock } = this.#world;
    await log.mark(record, "end", clock.now());
    const updated = await jobs.update(record.id, (current) => (current.end === undefined ? { ...current, end: make(current) } : null));
    const settled = updated?.record ?? record;
    this.#moved(settled);
    return settled;
  }
}
