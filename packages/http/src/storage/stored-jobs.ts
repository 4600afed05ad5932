/** What lies in a storage, job by job: for whoever sweeps it, or counts what it takes. */
import { isJobId, JobFiles, type JobId } from "../job-files.ts";
import type { JobStorage } from "./job-storage.ts";

/** Outputs that no manifest names: of a run that was killed, has lost, or still goes on. */
export interface OrphanedRun {
  /** For `JobStorage.remove`. */
  readonly prefix: string;
  readonly bytes: number;
  /** Of its newest object, milliseconds since 1970. A run that goes on may be older than its last object. */
  readonly modifiedMs: number;
}

export interface StoredJob {
  readonly id: JobId;
  /** Of all its objects. */
  readonly bytes: number;
  /** Of its newest object. */
  readonly modifiedMs: number;
  readonly orphans: readonly OrphanedRun[];
}

interface Found {
  readonly id: JobId;
  bytes: number;
  modifiedMs: number;
  readonly runs: Map<string, { bytes: number; modifiedMs: number }>;
}

/** Every job that has an object, each once. Reads each manifest where there are outputs. */
export async function* storedJobs(storage: JobStorage): AsyncIterable<StoredJob> {
  let job: Found | undefined;
  for await (const { key, bytes, modifiedMs } of storage.list("")) {
    const [id = "", kind, name = ""] = key.split("/");
    if (!isJobId(id)) continue;
    if (job?.id !== id) {
      if (job) yield await described(storage, job);
      job = { id, bytes: 0, modifiedMs: 0, runs: new Map() };
    }
    add(job, bytes, modifiedMs);
    // `outputs/<run>/…` and `archive/<run>.zip`.
    if (kind !== "outputs" && kind !== "archive") continue;
    const prefix = `${id}/${kind}/${name}`;
    const run = job.runs.get(prefix) ?? { bytes: 0, modifiedMs: 0 };
    add(run, bytes, modifiedMs);
    job.runs.set(prefix, run);
  }
  if (job) yield await described(storage, job);
}

async function described(storage: JobStorage, { id, bytes, modifiedMs, runs }: Found): Promise<StoredJob> {
  const published = runs.size === 0 ? undefined : (await new JobFiles(storage, id).manifest())?.run;
  const named = [`${id}/outputs/${published}`, `${id}/archive/${published}.zip`];
  const orphans = [...runs].filter(([prefix]) => !named.includes(prefix)).map(([prefix, run]) => ({ prefix, ...run }));
  return { id, bytes, modifiedMs, orphans };
}

function add(sum: { bytes: number; modifiedMs: number }, bytes: number, modifiedMs: number): void {
  sum.bytes += bytes;
  sum.modifiedMs = Math.max(sum.modifiedMs, modifiedMs);
}
