import type { LogEntry, LogId, StateKey, StateStore, StateWrite, Versioned } from "../../broker/state-store.ts";
import { assertWhole } from "../whole.ts";
import { alive, bytesOf, expiry, type StateLog, type View } from "./world.ts";

const logTopic = (log: StateKey): string => `log ${log}`;
/** Decimal with leading zeros: sorts as text as it does as a number. */
const logId = (sequence: number): LogId => String(sequence).padStart(16, "0");

export class MemoryState implements StateStore {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  async read(keys: readonly StateKey[]): Promise<readonly (Versioned | undefined)[]> {
    return keys.map((key) => this.#read(key));
  }

  #read(key: StateKey): Versioned | undefined {
    const { documents } = this.#view.space;
    const kept = documents.get(key);
    if (!kept) return undefined;
    if (alive(kept, this.#view.now())) return { value: kept.value.bytes, version: kept.value.version };
    documents.delete(key);
    return undefined;
  }

  async write(batch: readonly StateWrite[]): Promise<readonly boolean[]> {
    for (const { counts } of batch) if (counts !== undefined) assertWhole(counts.key, counts.add);
    return batch.map((write) => this.#write(write));
  }

  #write({ key, value, ifVersion, expiresMs, counts }: StateWrite): boolean {
    const { documents, tallies } = this.#view.space;
    if (ifVersion !== undefined && ifVersion !== (this.#read(key)?.version ?? 0)) return false;
    if (counts !== undefined) this.#add(counts.key, counts.add);
    if (value === null) {
      documents.delete(key);
      tallies.delete(key);
      return true;
    }
    const version = this.#view.nextSequence();
    documents.set(key, { value: { bytes: bytesOf(value), version }, expiresAt: expiry(this.#view.now(), expiresMs) });
    return true;
  }

  async *keys(prefix: string): AsyncGenerator<StateKey> {
    const { documents, tallies } = this.#view.space;
    const living = [...documents.keys()].filter((key) => this.#read(key) !== undefined);
    for (const key of new Set([...living, ...tallies.keys()])) if (key.startsWith(prefix)) yield key;
  }

  async add(key: StateKey, fields: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
    assertWhole(key, fields);
    return Object.fromEntries(this.#add(key, fields));
  }

  #add(key: StateKey, fields: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
    const { tallies } = this.#view.space;
    const tally = tallies.get(key) ?? new Map<string, number>();
    tallies.set(key, tally);
    for (const [field, by] of Object.entries(fields)) tally.set(field, (tally.get(field) ?? 0) + by);
    return tally;
  }

  async append(
    log: StateKey,
    entries: readonly (Uint8Array | string)[],
    options: { readonly keep: number; readonly expiresMs?: number },
  ): Promise<LogId> {
    return appendToLog(this.#view, log, entries, options);
  }

  async tail(log: StateKey, count: number): Promise<readonly LogEntry[]> {
    return count <= 0 ? [] : (livingLog(this.#view, log)?.entries.slice(-count) ?? []);
  }

  async has(log: StateKey, id: LogId): Promise<boolean> {
    return livingLog(this.#view, log)?.entries.some((entry) => entry.id === id) ?? false;
  }

  async *follow(log: StateKey, after: LogId, signal: AbortSignal): AsyncGenerator<LogEntry> {
    const isOver = () => signal.aborted || this.#view.closing.aborted;
    const listener = this.#view.changes.listen([logTopic(log)]);
    let last = after;
    try {
      while (!isOver()) {
        for (const entry of (livingLog(this.#view, log)?.entries ?? []).filter(({ id }) => id > last)) {
          last = entry.id;
          yield entry;
          if (isOver()) return;
        }
        await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  /** The connection is the store's, and closes with it. */
  async close(): Promise<void> {}
}

export function appendToLog(
  view: View,
  log: StateKey,
  entries: readonly (Uint8Array | string)[],
  options: { readonly keep: number; readonly expiresMs?: number },
): LogId {
  const record = livingLog(view, log) ?? { entries: [], expiresAt: null };
  view.space.logs.set(log, record);
  for (const entry of entries) record.entries.push({ id: logId(view.nextSequence()), data: bytesOf(entry) });
  record.entries.splice(0, Math.max(0, record.entries.length - options.keep));
  record.expiresAt = expiry(view.now(), options.expiresMs);
  view.changes.notify(logTopic(log));
  return record.entries.at(-1)?.id ?? "";
}

function livingLog({ space, now }: View, log: StateKey): StateLog | undefined {
  const record = space.logs.get(log);
  if (!record || alive(record, now())) return record;
  space.logs.delete(log);
  return undefined;
}
