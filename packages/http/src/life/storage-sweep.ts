/**
 * One look at all files of a storage: those of no job, and what killed runs and broken uploads left, go after a grace time; above a
 * quota the jobs that ended first lose theirs. Files of an open job are never touched.
 */
import { isJobId, type JobId } from "../job-files.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobStorage, StoredObject } from "../storage/job-storage.ts";
import type { JobWorld } from "./job-world.ts";
import { unlessFaulty } from "./until-answered.ts";

export interface StorageSwept {
  /** Jobs nobody knows whose files went, runs that published nothing, uploads that broke off. */
  readonly orphans: number;
  /** Jobs whose files went before their time, because of the quota. */
  readonly evicted: number;
  /** That all files take, after that. */
  readonly bytes: number;
}

export interface StorageSweepOptions {
  readonly world: JobWorld;
  readonly storage: JobStorage;
  /** null: no limit. */
  readonly quotaBytes: number | null;
  readonly graceMs: number;
  /** Removes the files of an ended job and says so in its record. */
  readonly dropFiles: (record: JobRecord) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What lies below one job's prefix. */
interface Found {
  readonly id: JobId;
  bytes: number;
  newestMs: number;
  /** By the prefix of each run that stored outputs, when it last did. */
  readonly runs: Map<string, number>;
}

interface Kept {
  readonly record: JobRecord;
  readonly endedAt: number;
  readonly bytes: number;
}

const pageSize = 200;

export async function sweepStorage(options: StorageSweepOptions): Promise<StorageSwept> {
  const { world, storage, quotaBytes, graceMs, signal } = options;
  const before = world.clock.now() - graceMs;
  let orphans = await storage.removeUnfinished(before, (key) => isGoing(world, key));
  let bytes = 0;
  const kept: Kept[] = [];
  for await (const page of pages(storage)) {
    const records = await world.jobs.getMany(page.map(({ id }) => id));
    for (const [i, found] of page.entries()) {
      signal.throwIfAborted();
      const record = records[i];
      const gone = await unlessFaulty(world.onFault, () => sweepOne(options, found, record, before), 0);
      orphans += gone;
      if (gone > 0 && isOrphan(record)) continue;
      bytes += found.bytes;
      if (quotaBytes !== null && record?.end !== undefined && record.pipeline === world.pipeline.name)
        kept.push({ record, endedAt: record.end.at, bytes: found.bytes });
    }
  }
  const evicted = quotaBytes === null ? [] : oldestAbove(kept, bytes - quotaBytes);
  for (const { record } of evicted) {
    signal.throwIfAborted();
    await options.dropFiles(record);
  }
  return { orphans, evicted: evicted.length, bytes: bytes - evicted.reduce((sum, each) => sum + each.bytes, 0) };
}

/** Nobody will ask for its files: there is no such job, or its files are gone and these came late, from a run that was still going. */
const isOrphan = (record: JobRecord | undefined): boolean => record === undefined || record.filesGoneAt !== undefined;

/** Whether it has come to a record by now, or will: asked in the order in which an upload goes on, so that none slips through. */
async function isWanted(world: JobWorld, id: JobId): Promise<boolean> {
  if ((await world.arriving.has(id)) || (await world.spooled.get(id)) !== undefined) return true;
  return !isOrphan((await world.jobs.getMany([id]))[0]);
}

/** Whether somebody may still be writing there: an upload that arrives, a run of an open job. */
async function isGoing(world: JobWorld, key: string): Promise<boolean> {
  const id = key.split("/", 1)[0] ?? "";
  if (!isJobId(id)) return false;
  if (await world.arriving.has(id)) return true;
  const record = await world.jobs.get(id);
  return record !== undefined && record.end === undefined;
}

async function sweepOne(
  { world, storage }: StorageSweepOptions,
  { id, newestMs, runs }: Found,
  record: JobRecord | undefined,
  before: number,
): Promise<number> {
  if (isOrphan(record)) {
    if (newestMs >= before || (await isWanted(world, id))) return 0;
    await storage.remove(id);
    return 1;
  }
  if (record?.end === undefined || runs.size === 0) return 0;
  const published = (await world.files(id).manifest())?.run;
  const left = [...runs].filter(([run, at]) => run !== published && at < before);
  for (const [run] of left) await storage.remove(`${id}/outputs/${run}`);
  return left.length;
}

function oldestAbove(kept: readonly Kept[], excess: number): readonly Kept[] {
  const oldest = [...kept].sort((a, b) => a.endedAt - b.endedAt);
  let left = excess;
  const end = oldest.findIndex(({ bytes }) => {
    if (left <= 0) return true;
    left -= bytes;
    return false;
  });
  return end < 0 ? oldest : oldest.slice(0, end);
}

/** Objects of one job come together. */
async function* pages(storage: JobStorage): AsyncIterable<readonly Found[]> {
  let page: Found[] = [];
  for await (const object of storage.list("")) {
    const id = object.key.split("/", 1)[0] ?? "";
    if (!isJobId(id)) continue;
    if (page.at(-1)?.id !== id) {
      if (page.length === pageSize) {
        yield page;
        page = [];
      }
      page.push({ id, bytes: 0, newestMs: 0, runs: new Map() });
    }
    note(page.at(-1) as Found, object);
  }
  if (page.length > 0) yield page;
}

function note(found: Found, { key, bytes, modifiedMs }: StoredObject): void {
  found.bytes += bytes;
  found.newestMs = Math.max(found.newestMs, modifiedMs);
  const [, outputs, run] = key.split("/");
  if (outputs === "outputs" && run !== undefined) found.runs.set(run, Math.max(found.runs.get(run) ?? 0, modifiedMs));
}
