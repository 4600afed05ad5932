/** Cancelling and deleting. A deletion is a mark first, and what it asks for after: whoever sweeps finishes what a crash left. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobRecord } from "../job-record.ts";
import type { JobSteps } from "./job-steps.ts";
import type { JobWorld } from "./job-world.ts";

/** So long beyond its kill a caller waits for the code of a deleted job to stop. */
const patienceMs = 2000;
const lookEveryMs = 50;

export class Deletion {
  readonly #world: JobWorld;
  readonly #steps: JobSteps;
  readonly #killAfterMs: number;

  constructor(world: JobWorld, steps: JobSteps, killAfterMs: number) {
    this.#world = world;
    this.#steps = steps;
    this.#killAfterMs = killAfterMs;
  }

  /** Of an open job. First what stops it, then the note that we asked: a crash in between leaves a job that still ends as revoked. */
  async cancel(record: JobRecord): Promise<JobRecord> {
    const { app, jobs, log, clock } = this.#world;
    await app.revoke({ root: record.taskId }, { terminate: true, killAfterMs: this.#killAfterMs });
    const at = clock.now();
    const updated = await jobs.update(record.id, (current) =>
      current.end === undefined && current.cancelRequestedAt === undefined ? { ...current, cancelRequestedAt: at } : null,
    );
    if (updated?.changed) await log.mark(record, "cancelling", at);
    return updated?.record ?? record;
  }

  async delete(record: JobRecord): Promise<"deleted" | "deleting"> {
    const { jobs, clock } = this.#world;
    const marked = await jobs.update(record.id, (current) =>
      current.deletingAt === undefined ? { ...current, deletingAt: clock.now() } : null,
    );
    if (marked === undefined) return "deleted";
    const ended = await this.#untilEnded(await this.#steps.settle(marked.record));
    if (await this.finish(ended)) return "deleted";
    // No worker may come for long. Should one have begun just now, it has been told to stop.
    if (ended.startedAt === undefined) await this.#world.files(ended.id).remove();
    return "deleting";
  }

  /** false: its code may still run, and has been told to stop. Twice is fine, from anywhere. */
  async finish(record: JobRecord): Promise<boolean> {
    const { app, jobs, log, files } = this.#world;
    const settled = await this.#steps.settle(record);
    if (settled.end === undefined) {
      if (settled.cancelRequestedAt === undefined) await this.cancel(settled);
      return false;
    }
    await files(record.id).remove();
    await Promise.all([log.remove(record), app.result(record.taskId).forget()]);
    // Last: as long as it is there, somebody knows what is to go.
    await jobs.delete(record.id);
    return true;
  }

  async #untilEnded(record: JobRecord): Promise<JobRecord> {
    if (record.end !== undefined) return record;
    let current = await this.cancel(record);
    const until = performance.now() + this.#killAfterMs + patienceMs;
    while (current.end === undefined && performance.now() < until) {
      await sleep(lookEveryMs);
      current = await this.#steps.settle(current);
    }
    return current;
  }
}
