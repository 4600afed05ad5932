/**
 * Job records in the state store. A record says what was uploaded, that it was seen to begin, and how it ended; how far it is
 * in between is read from its task's progress. It only ever goes forwards, whoever writes it, and each step is counted in the
 * same write that makes it (`life/job-counts.ts`).
 */
import type { StateStore, StateWrite } from "lovage/adapters";
import type { JobId } from "./job-files.ts";
import type { JobRecord } from "./job-record.ts";
import { countersKey, countsOf, sinceKey, uncounted } from "./life/job-counts.ts";

export interface Updated {
  readonly record: JobRecord;
  /** Whether it was this call that changed it. */
  readonly changed: boolean;
}

const prefix = "job/";
const keyOf = (id: JobId) => `${prefix}${id}`;
const pageSize = 200;

export class JobStore {
  readonly #state: () => Promise<StateStore>;
  readonly #keepMs: number | null;

  /** @param state opened at the first need. @param keepMs how long a record outlives its job's end; null: for ever. One of an open job stays. */
  constructor(state: () => Promise<StateStore>, keepMs: number | null) {
    this.#state = state;
    this.#keepMs = keepMs;
  }

  /** false: there is one already, and it stands. */
  async create(record: JobRecord): Promise<boolean> {
    const since = { key: sinceKey(record.pipeline), value: String(record.createdAt), ifVersion: 0 };
    const [created] = await (await this.#state()).write([this.#write(record, 0, undefined), since]);
    return created === true;
  }

  async get(id: JobId): Promise<JobRecord | undefined> {
    return (await this.getMany([id]))[0];
  }

  async getMany(ids: readonly JobId[]): Promise<readonly (JobRecord | undefined)[]> {
    return (await (await this.#state()).read(ids.map(keyOf))).map((found) => found && parse(found.value));
  }

  /** What an open job counted for is taken back. */
  async delete(id: JobId): Promise<void> {
    for (;;) {
      const [found] = await (await this.#state()).read([keyOf(id)]);
      if (!found) return;
      const record = parse(found.value);
      const counts = { key: countersKey(record.pipeline), add: uncounted(record) };
      const [gone] = await (await this.#state()).write([{ key: keyOf(id), value: null, ifVersion: found.version, counts }]);
      if (gone) return;
    }
  }

  /**
   * Applies `change` to the newest version; null: leave it. What a record has said stays said: a start, an end and a deletion are
   * written once. undefined: there is no such record.
   */
  async update(id: JobId, change: (record: JobRecord) => JobRecord | null): Promise<Updated | undefined> {
    for (;;) {
      const [found] = await (await this.#state()).read([keyOf(id)]);
      if (!found) return undefined;
      const record = parse(found.value);
      const next = change(record);
      if (!next) return { record, changed: false };
      const forwards = keepSaid(record, next);
      const [written] = await (await this.#state()).write([this.#write(forwards, found.version, record)]);
      if (written) return { record: forwards, changed: true };
    }
  }

  /** Ids of all jobs whose record is kept, of every pipeline in this state store. */
  async *ids(): AsyncIterable<JobId> {
    for await (const key of (await this.#state()).keys(prefix)) yield key.slice(prefix.length);
  }

  /** Their records, some at a time; `wanted`: of which ids. */
  async *pages(wanted: (id: JobId) => boolean = () => true): AsyncIterable<readonly JobRecord[]> {
    let page: JobId[] = [];
    for await (const id of this.ids()) {
      if (wanted(id)) page.push(id);
      if (page.length < pageSize) continue;
      yield (await this.getMany(page)).filter((record) => record !== undefined);
      page = [];
    }
    if (page.length > 0) yield (await this.getMany(page)).filter((record) => record !== undefined);
  }

  #write(record: JobRecord, ifVersion: number, before: JobRecord | undefined): StateWrite {
    const write = { key: keyOf(record.id), value: JSON.stringify(record), ifVersion, expiresMs: record.end ? this.#keepMs : null };
    const add = countsOf(before, record);
    return add === undefined ? write : { ...write, counts: { key: countersKey(record.pipeline), add } };
  }
}

function keepSaid(before: JobRecord, next: JobRecord): JobRecord {
  const { startedAt, cancelRequestedAt, end, filesGoneAt, deletingAt } = before;
  const { startedAt: begun, ...rest } = next;
  return {
    ...rest,
    // What has ended does not begin.
    ...(end === undefined && begun !== undefined && { startedAt: begun }),
    ...(startedAt !== undefined && { startedAt }),
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
    ...(end !== undefined && { end }),
    ...(filesGoneAt !== undefined && { filesGoneAt }),
    ...(deletingAt !== undefined && { deletingAt }),
  };
}

const parse = (bytes: Uint8Array): JobRecord => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
