/** Small documents with a version and an expiry, and capped logs: jobs, progress, quotas, once-keys. */
export type StateKey = string;
export interface Versioned {
  readonly value: Uint8Array;
  /** Grows with each write of the key; a missing key has version 0. */
  readonly version: number;
}
export interface StateWrite {
  readonly key: StateKey;
  /** null: delete. */
  readonly value: Uint8Array | string | null;
  /** Write only if the key stands at this version (0: is missing). Absent: in any case. */
  readonly ifVersion?: number;
  /** Milliseconds from now; absent or null: kept. */
  readonly expiresMs?: number | null;
  /** Added to a counter document in the same step, and only if this write is made: so that what it stands for counts once. */
  readonly counts?: { readonly key: StateKey; readonly add: Readonly<Record<string, number>> };
}
/** Grows within one log; "" is before the first entry. Sortable as the store sorts, opaque to callers. */
export type LogId = string;
export interface LogEntry {
  readonly id: LogId;
  readonly data: Uint8Array;
}
export interface StateStore {
  read(keys: readonly StateKey[]): Promise<readonly (Versioned | undefined)[]>;
  /** Each on its own; false: its `ifVersion` did not hold. */
  write(batch: readonly StateWrite[]): Promise<readonly boolean[]>;
  /** All keys with a prefix, for sweepers and statistics; order unspecified. */
  keys(prefix: string): AsyncIterable<StateKey>;
  /** Adds whole numbers to the fields of a counter document; returns all its fields. */
  add(key: StateKey, fields: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>>;
  /** Keeps the last `keep` entries. `expiresMs` is renewed for the whole log by each call. Returns the last id. */
  append(
    log: StateKey,
    entries: readonly (Uint8Array | string)[],
    options: { readonly keep: number; readonly expiresMs?: number },
  ): Promise<LogId>;
  /** The last `count` entries, oldest first. */
  tail(log: StateKey, count: number): Promise<readonly LogEntry[]>;
  /** Whether this entry is still kept. */
  has(log: StateKey, id: LogId): Promise<boolean>;
  /** Entries after `after`, then new ones as they come, until `signal` aborts. */
  follow(log: StateKey, after: LogId, signal: AbortSignal): AsyncIterable<LogEntry>;
  close(): Promise<void>;
}
