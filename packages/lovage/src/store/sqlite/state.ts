import type { LogEntry, LogId, StateKey, StateStore, StateWrite, Versioned } from "../../broker/state-store.ts";
import { assertWhole } from "../whole.ts";
import type { Database } from "./database.ts";
import { blob, type Row } from "./driver.ts";
import { bytesOf } from "./queues.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

/** Decimal with leading zeros: sorts as text as it does as a number. */
const logId = (id: unknown): LogId => String(id).padStart(16, "0");
const pageSize = 500;

export class SqliteState implements StateStore {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  read(keys: readonly StateKey[]): Promise<readonly (Versioned | undefined)[]> {
    return this.#view.read((database) => keys.map((key) => this.#read(database, this.#view.stateKey(key))));
  }

  #read(database: Database, key: string): Versioned | undefined {
    const row = database.get(sql.document, { key, now: this.#view.now() });
    return row && { value: blob(row.value), version: Number(row.version) };
  }

  async write(batch: readonly StateWrite[]): Promise<readonly boolean[]> {
    for (const { counts } of batch) if (counts !== undefined) assertWhole(counts.key, counts.add);
    return this.#view.write("write state to", (database) => batch.map((write) => this.#write(database, write)));
  }

  #write(database: Database, { key: name, value, ifVersion, expiresMs, counts }: StateWrite): boolean {
    const key = this.#view.stateKey(name);
    if (ifVersion !== undefined && ifVersion !== (this.#read(database, key)?.version ?? 0)) return false;
    if (counts !== undefined) addTo(database, this.#view.stateKey(counts.key), counts.add);
    if (value === null) {
      database.run(sql.dropDocument, { key });
      database.run(sql.dropTally, { key });
      return true;
    }
    // One sequence for all keys: a key that is deleted and made again never meets an old version.
    const version = Number(database.get(sql.nextSequence, { name: "state" })?.value);
    database.run(sql.writeDocument, { key, version, expires: this.#view.expiry(expiresMs), value: bytesOf(value) });
    return true;
  }

  async *keys(prefix: string): AsyncGenerator<StateKey> {
    const from = this.#view.stateKey(prefix);
    const cut = this.#view.stateKey("").length;
    let after = "";
    for (;;) {
      const rows = await this.#view.read((database) =>
        database.all(sql.keys, { prefix: from, after, now: this.#view.now(), limit: pageSize }),
      );
      for (const { key } of rows) yield String(key).slice(cut);
      if (rows.length < pageSize) return;
      after = String(rows.at(-1)?.key);
    }
  }

  async add(name: StateKey, fields: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
    assertWhole(name, fields);
    const key = this.#view.stateKey(name);
    const all = (database: Database) =>
      Object.fromEntries(database.all(sql.tally, { key }).map((row) => [String(row.field), Number(row.value)]));
    // Who only asks need not wait for those who write.
    if (Object.keys(fields).length === 0) return this.#view.read(all);
    return this.#view.write("count in", (database) => {
      addTo(database, key, fields);
      return all(database);
    });
  }

  append(
    name: StateKey,
    entries: readonly (Uint8Array | string)[],
    options: { readonly keep: number; readonly expiresMs?: number },
  ): Promise<LogId> {
    return this.#view.write("append to a log in", (_, touched) => appendToLog(this.#view, touched, name, entries, options));
  }

  has(name: StateKey, id: LogId): Promise<boolean> {
    const log = this.#view.stateKey(name);
    return this.#view.read((database) => database.get(sql.hasEntry, { log, id: Number(id) }) !== undefined);
  }

  tail(name: StateKey, count: number): Promise<readonly LogEntry[]> {
    const log = this.#view.stateKey(name);
    return this.#view.read((database) =>
      database
        .all(sql.tailLog, { log, now: this.#view.now(), limit: Math.max(0, count) })
        .map(toEntry)
        .reverse(),
    );
  }

  async *follow(name: StateKey, after: LogId, signal: AbortSignal): AsyncGenerator<LogEntry> {
    const view = this.#view;
    const log = view.stateKey(name);
    const isOver = () => signal.aborted || view.closing.aborted;
    const listener = view.changes.listen([topics.log(log)]);
    let last = after === "" ? 0 : Number(after);
    try {
      while (!isOver()) {
        const rows = await view.read((database) => database.all(sql.followLog, { log, after: last, now: view.now(), limit: pageSize }));
        for (const row of rows) {
          last = Number(row.id);
          yield toEntry(row);
          if (isOver()) return;
        }
        if (rows.length < pageSize) await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  /** The connection is the store's, and closes with it. */
  async close(): Promise<void> {}
}

function addTo(database: Database, key: string, fields: Readonly<Record<string, number>>): void {
  for (const [field, by] of Object.entries(fields)) database.run(sql.addTally, { key, field, by });
}

/** Within a write. */
export function appendToLog(
  view: View,
  touched: Touched,
  name: StateKey,
  entries: readonly (Uint8Array | string)[],
  options: { readonly keep: number; readonly expiresMs?: number },
): LogId {
  const { database } = view.file;
  const log = view.stateKey(name);
  if (database.get(sql.expiredLog, { log, now: view.now() })) database.run(sql.dropEntries, { log });
  database.run(sql.keepLog, { log, expires: view.expiry(options.expiresMs) });
  let last: Row | undefined;
  for (const entry of entries) last = database.get(sql.appendEntry, { log, data: bytesOf(entry) });
  database.run(sql.trimLog, { log, keep: options.keep });
  last ??= database.all(sql.tailLog, { log, now: view.now(), limit: 1 })[0];
  touched.add(topics.log(log));
  return last ? logId(last.id) : "";
}

const toEntry = (row: Row): LogEntry => ({ id: logId(row.id), data: blob(row.data) });
