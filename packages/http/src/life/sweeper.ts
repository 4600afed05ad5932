/**
 * Removes what has had its time: files after their retention, records after theirs, and ends what was left unended. Every action
 * may be done twice, by several services at once, and be cut off anywhere: what is not done is found again by the next sweep.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobId } from "../job-files.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobStorage } from "../storage/job-storage.ts";
import type { Deletion } from "./deletion.ts";
import type { JobSteps } from "./job-steps.ts";
import type { JobWorld } from "./job-world.ts";
import { lostAmong, mayBeLost } from "./lost-jobs.ts";
import { type StorageSwept, sweepStorage } from "./storage-sweep.ts";
import { unlessFaulty } from "./until-answered.ts";

/** What one sweep did. */
export interface Swept extends StorageSwept {
  /** Jobs of whose task nothing is left anywhere: they have ended so. */
  readonly lost: number;
  /** Jobs whose end was noticed, which a service that died had not written. */
  readonly ended: number;
  /** Jobs whose files went, because of their retention. */
  readonly expired: number;
  /** Deletions that were finished. */
  readonly deleted: number;
  /** Records that went. */
  readonly forgotten: number;
}

export interface SweeperOptions {
  readonly world: JobWorld;
  readonly steps: JobSteps;
  readonly deletion: Deletion;
  /** How long a record outlives its job's end, milliseconds; null: for ever. */
  readonly keepRecordsMs: number | null;
  readonly storage: JobStorage;
  readonly quotaBytes?: number;
  readonly orphanGraceMs?: number;
  /** Ends its timer, and a sweep that is under way. */
  readonly signal: AbortSignal;
}

type Counting = { -readonly [What in Exclude<keyof Swept, keyof StorageSwept>]: number };

const hour = 3_600_000;
/** How often the timer looks at all files and all messages too, which takes longer than looking at the records. */
const thoroughEveryMs = 600_000;

export class Sweeper {
  readonly #options: SweeperOptions;
  /** Before this time nothing is to be done about an ended job: its record need not be read. */
  readonly #notBefore = new Map<JobId, number>();
  #timer: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** About every `everyMs`, so that several services do not sweep at the same time; null: never. */
  start(everyMs: number | null): void {
    if (everyMs !== null) this.#timer ??= this.#run(everyMs);
  }

  /** Resolves when nothing of it goes on, once its signal is aborted. */
  async settled(): Promise<void> {
    await this.#timer;
  }

  async #run(everyMs: number): Promise<void> {
    const { signal, world } = this.#options;
    for (let thoroughAt = Number.NEGATIVE_INFINITY; !signal.aborted; ) {
      await sleep(everyMs * (0.5 + Math.random()), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const isThorough = performance.now() - thoroughAt >= thoroughEveryMs;
      if (isThorough) thoroughAt = performance.now();
      const sweeping = isThorough ? this.sweep() : this.#sweepRecords((id) => this.#isDue(id));
      await sweeping.catch((error: unknown) => {
        if (!signal.aborted) world.onFault(error);
      });
    }
  }

  async sweep(): Promise<Swept> {
    const { world, steps, storage, quotaBytes = null, orphanGraceMs = hour, signal } = this.#options;
    // All of them: a service that was killed may have marked for deletion what nothing was due for.
    const { swept, open } = await this.#sweepRecords(() => true);
    for (const record of await lostAmong(
      world.app,
      open.filter((each) => mayBeLost(each, world.clock.now())),
    )) {
      await steps.lose(record);
      swept.lost += 1;
    }
    const dropFiles = (record: JobRecord) => this.#dropFiles(record);
    return { ...swept, ...(await sweepStorage({ world, storage, quotaBytes, graceMs: orphanGraceMs, dropFiles, signal })) };
  }

  #isDue(id: JobId): boolean {
    return (this.#notBefore.get(id) ?? 0) <= this.#options.world.clock.now();
  }

  /** `open`: those of this pipeline that have not ended. */
  async #sweepRecords(isWanted: (id: JobId) => boolean): Promise<{ readonly swept: Counting; readonly open: readonly JobRecord[] }> {
    const { world, signal } = this.#options;
    const swept: Counting = { ended: 0, expired: 0, deleted: 0, forgotten: 0, lost: 0 };
    const open: JobRecord[] = [];
    const known = new Set<JobId>();
    const pages = world.jobs.pages((id) => {
      known.add(id);
      return isWanted(id);
    });
    for await (const page of pages)
      for (const record of page) {
        signal.throwIfAborted();
        open.push(...(await unlessFaulty(world.onFault, () => this.#visit(record, swept), [])));
      }
    for (const id of this.#notBefore.keys()) if (!known.has(id)) this.#notBefore.delete(id);
    return { swept, open };
  }

  /** The record, if its job is open. */
  async #visit(record: JobRecord, swept: Counting): Promise<readonly JobRecord[]> {
    const { world, steps, deletion } = this.#options;
    if (record.pipeline !== world.pipeline.name) return [];
    const settled = await steps.settle(record);
    if (settled.end === undefined) {
      // Told to stop again: whoever marked it may have been killed before it said so.
      if (settled.deletingAt !== undefined) await deletion.finish(settled);
      return [settled];
    }
    if (record.end === undefined) swept.ended += 1;
    if (settled.deletingAt === undefined) await this.#retire(settled, settled.end.at, swept);
    else if (await deletion.finish(settled)) swept.deleted += 1;
    return [];
  }

  async #retire(record: JobRecord, endedAt: number, swept: Counting): Promise<void> {
    const { world, keepRecordsMs } = this.#options;
    const { jobs, clock, retentionMs } = world;
    const filesUntil = record.filesGoneAt !== undefined || retentionMs === null ? Number.POSITIVE_INFINITY : endedAt + retentionMs;
    const recordUntil = keepRecordsMs === null ? Number.POSITIVE_INFINITY : endedAt + keepRecordsMs;
    const now = clock.now();
    if (filesUntil <= now) {
      await this.#dropFiles(record);
      swept.expired += 1;
    }
    if (recordUntil <= now) {
      await jobs.delete(record.id);
      swept.forgotten += 1;
    } else this.#notBefore.set(record.id, filesUntil <= now ? recordUntil : Math.min(filesUntil, recordUntil));
  }

  /** Files first: a record that says that they are gone must not be wrong. */
  async #dropFiles(record: JobRecord): Promise<void> {
    const { jobs, files, clock } = this.#options.world;
    await files(record.id).remove();
    await jobs.update(record.id, (current) => (current.filesGoneAt === undefined ? { ...current, filesGoneAt: clock.now() } : null));
  }
}
