/** What one store sees of a file: its prefixes, its namespace, its clock, and the calls it makes. */
import { storeClosed } from "../refusals.ts";
import type { StoreOptions } from "../store.ts";
import type { Database } from "./database.ts";
import type { SqliteFile } from "./file.ts";
import type { Touched } from "./writer.ts";

export class View {
  readonly file: SqliteFile;
  readonly options: StoreOptions;
  readonly space: string;
  readonly #closing = new AbortController();

  constructor(file: SqliteFile, options: StoreOptions) {
    this.file = file;
    this.options = options;
    this.space = options.namespace;
  }

  /** Aborts when the store closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get changes() {
    return this.file.changes;
  }

  close(): void {
    this.#closing.abort();
  }

  now(): number {
    return this.options.clock.now();
  }

  expiry(expiresMs: number | null | undefined): number | null {
    return expiresMs === null || expiresMs === undefined ? null : Math.ceil(this.now() + expiresMs);
  }

  /** Queues and results stand under their prefixes as on Redis. */
  queueKey(queue: string): string {
    return this.options.keyPrefix + queue;
  }

  resultKey(id: string): string {
    return this.options.keyPrefix + this.options.resultKeyPrefix + id;
  }

  /** The state store's keys belong to the namespace; its name can hold no slash here, so that two never meet. */
  stateKey(key: string): string {
    return `${encodeURIComponent(this.space)}/${key}`;
  }

  async read<T>(work: (database: Database) => T): Promise<T> {
    if (this.closing.aborted) throw storeClosed(this.file.location.name);
    return this.file.read({ doing: "read from", deadlineMs: this.options.deadlineMs }, work);
  }

  async write<T>(
    doing: string,
    work: (database: Database, touched: Touched) => T,
    more: { readonly deadlineMs?: number | undefined; readonly taskIds?: readonly string[] } = {},
  ): Promise<T> {
    if (this.closing.aborted) throw storeClosed(this.file.location.name, more.taskIds);
    const deadlineMs = more.deadlineMs ?? this.options.deadlineMs;
    return this.file.write({ doing, deadlineMs, ...(more.taskIds ? { taskIds: more.taskIds } : {}) }, work);
  }
}
