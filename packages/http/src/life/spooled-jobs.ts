/**
 * Records of jobs that came while the state store was away, kept beside the jobs' files until it is back. Only where the app sends
 * through a spool: their tasks wait there, on this machine's disk.
 */
import { buffer } from "node:stream/consumers";
import { isJobId, type JobId } from "../job-files.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobStorage } from "../storage/job-storage.ts";
import { isMissing } from "../storage/storage-error.ts";

const folder = "spooled";
const keyOf = (id: JobId) => `${folder}/${id}.json`;

export class SpooledJobs {
  readonly #storage: JobStorage;

  constructor(storage: JobStorage) {
    this.#storage = storage;
  }

  async keep(record: JobRecord): Promise<void> {
    await this.#storage.put(keyOf(record.id), Buffer.from(JSON.stringify(record)));
  }

  async get(id: JobId): Promise<JobRecord | undefined> {
    if (!isJobId(id)) return undefined;
    try {
      return JSON.parse((await buffer(await this.#storage.read(keyOf(id)))).toString("utf8"));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async remove(id: JobId): Promise<void> {
    await this.#storage.remove(keyOf(id));
  }

  async *ids(): AsyncIterable<JobId> {
    for await (const { key } of this.#storage.list(folder)) yield key.slice(folder.length + 1, -".json".length);
  }
}
