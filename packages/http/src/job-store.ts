/**
 * Job records in the state store. A record says what was uploaded and how the job ended; what happens in between is read
 * from the queue's own truth (result and progress of its task), so the two can't disagree. An ended job never changes.
 */
import type { StateStore } from "lovage/adapters";
import type { JobId } from "./job-files.ts";

export interface JobRecord {
  readonly id: JobId;
  readonly pipeline: string;
  readonly taskId: string;
  readonly correlationId: string;
  readonly createdAt: number;
  readonly files: readonly { readonly name: string; readonly type: string; readonly bytes: number; readonly sha256: string }[];
  /** SHA-256 of its access token, base64url. */
  readonly tokenHash?: string;
  /** Of the API key that it was uploaded with. */
  readonly owner?: string;
  readonly cancelRequestedAt?: number;
  readonly end?: JobEnd;
}

export type JobEnd =
  | { readonly status: "complete"; readonly at: number; readonly outputs: readonly string[]; readonly result: unknown }
  | { readonly status: "error"; readonly at: number; readonly code: string; readonly message: string; readonly retryable: boolean };

const prefix = "job/";
const keyOf = (id: JobId) => `${prefix}${id}`;

export class JobStore {
  readonly #state: StateStore;
  readonly #keepMs: number | null;

  constructor(state: StateStore, keepMs: number | null) {
    this.#state = state;
    this.#keepMs = keepMs;
  }

  async create(record: JobRecord): Promise<void> {
    await this.#state.write([{ key: keyOf(record.id), value: JSON.stringify(record), ifVersion: 0, expiresMs: this.#keepMs }]);
  }

  async get(id: JobId): Promise<JobRecord | undefined> {
    const [found] = await this.#state.read([keyOf(id)]);
    return found && parse(found.value);
  }

  async delete(id: JobId): Promise<void> {
    await this.#state.write([{ key: keyOf(id), value: null }]);
  }

  /** Applies `change` to the newest version; null: leave it. Returns the record as it stands and whether this call changed it. */
  async update(
    id: JobId,
    change: (record: JobRecord) => JobRecord | null,
  ): Promise<{ readonly record: JobRecord; readonly changed: boolean } | undefined> {
    for (;;) {
      const [found] = await this.#state.read([keyOf(id)]);
      if (!found) return undefined;
      const record = parse(found.value);
      const next = change(record);
      if (!next) return { record, changed: false };
      const write = { key: keyOf(id), value: JSON.stringify(next), ifVersion: found.version, expiresMs: this.#keepMs };
      const [written] = await this.#state.write([write]);
      if (written) return { record: next, changed: true };
    }
  }

  /** Ids of all jobs whose record is kept. */
  async *ids(): AsyncIterable<JobId> {
    for await (const key of this.#state.keys(prefix)) yield key.slice(prefix.length);
  }
}

const parse = (bytes: Uint8Array): JobRecord => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
