/**
 * One open database file: its connection, its writer, and the bell that rings when anybody has changed something. All stores
 * of this process that name the same file with the same durability share one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Notifier } from "../notifier.ts";
import { connect } from "./connect.ts";
import type { Database } from "./database.ts";
import { isBusy, isFull, toFault } from "./faults.ts";
import { Poller } from "./poller.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import type { Location } from "./url.ts";
import { type Touched, type WriteCall, Writer } from "./writer.ts";

export class SqliteFile {
  readonly location: Location;
  readonly database: Database;
  readonly changes: Notifier;
  /** Told of faults that no call can report. */
  readonly onFault = new Set<(fault: unknown) => void>();
  /** When expired rows were last removed by this process, by its store's clock. */
  sweptAt = Number.NEGATIVE_INFINITY;
  readonly #writer: Writer;
  readonly #poller: Poller;
  readonly #queueIds = new Map<string, number>();
  #seen = { version: 0, result: 0, entry: 0 };

  constructor(location: Location, database: Database) {
    this.location = location;
    this.database = database;
    this.#poller = new Poller(
      () => this.#look(),
      (fault) => this.#report(fault),
    );
    this.changes = new Notifier((busy) => (busy ? this.#startLooking() : this.#poller.stop()));
    this.#writer = new Writer(database, location.name, (touched) => this.#ring(touched));
    database.onRollback = () => this.#queueIds.clear();
  }

  static async open(location: Location): Promise<SqliteFile> {
    return new SqliteFile(location, await connect(location));
  }

  write<T>(call: WriteCall, work: (database: Database, touched: Touched) => T): Promise<T> {
    return this.#writer.write(call, (touched) => work(this.database, touched));
  }

  /** A read sees what is committed and waits for nobody; only while a crashed writer's log is recovered it may have to. */
  async read<T>(call: WriteCall, work: (database: Database) => T): Promise<T> {
    const deadline = performance.now() + call.deadlineMs;
    for (;;) {
      try {
        return work(this.database);
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw toFault(error, { path: this.location.name, doing: call.doing });
        await sleep(5);
      }
    }
  }

  /** The row id of a queue's name; undefined where nothing was ever sent there. */
  queueId(name: string): number | undefined {
    const known = this.#queueIds.get(name);
    if (known !== undefined) return known;
    const id = this.database.get(sql.queueId, { name })?.id as number | undefined;
    if (id !== undefined) this.#queueIds.set(name, id);
    return id;
  }

  /** The name behind a row id. */
  queueName(id: number): string {
    return String(this.database.get(sql.queueName, { id })?.name);
  }

  /** The same within a write; made where it is missing. */
  madeQueueId(name: string): number {
    const id = this.queueId(name) ?? (this.database.get(sql.addQueue, { name })?.id as number);
    this.#queueIds.set(name, id);
    return id;
  }

  idle(): Promise<void> {
    return this.#writer.idle();
  }

  close(): void {
    this.#poller.stop();
    this.#tidy();
    this.database.close();
  }

  /**
   * libsql closes the file only when its statements are collected, so SQLite's own last checkpoint may never come: what stands
   * in the log is copied here, as far as that needs to wait for nobody. Nothing depends on it.
   */
  #tidy(): void {
    try {
      this.database.get(sql.checkpointPassive, {});
    } catch (fault) {
      if (!isFull(fault)) this.#report(fault);
    }
  }

  #ring(touched: Touched): void {
    for (const topic of touched) this.changes.notify(topic);
  }

  #report(fault: unknown): void {
    for (const report of this.onFault) report(toFault(fault, { path: this.location.name, doing: "look for changes in" }));
  }

  #startLooking(): void {
    try {
      this.#seen = { version: this.#version(), result: this.#last(sql.lastResult), entry: this.#last(sql.lastEntry) };
    } catch (fault) {
      this.#report(fault); // what was missed since the last look rings with the next one
    }
    this.#poller.start();
  }

  /** Whether another connection committed; rings for what is new. */
  #look(): boolean {
    const version = this.#version();
    if (version === this.#seen.version) return false;
    const results = this.database.all(sql.newResults, { after: this.#seen.result, limit: lookLimit });
    const entries = this.database.all(sql.newEntries, { after: this.#seen.entry, limit: lookLimit });
    const isAll = results.length < lookLimit && entries.length < lookLimit;
    this.#seen = {
      version: isAll ? version : this.#seen.version, // what is left rings with the next look
      result: Number(results.at(-1)?.rev ?? this.#seen.result),
      entry: Number(entries.at(-1)?.id ?? this.#seen.entry),
    };
    for (const { id } of results) this.changes.notify(topics.result(String(id)));
    for (const log of new Set(entries.map((entry) => String(entry.log)))) this.changes.notify(topics.log(log));
    this.changes.notify(topics.elsewhere);
    return true;
  }

  #version(): number {
    return Number(this.database.get(sql.dataVersion, {})?.data_version);
  }

  #last(statement: typeof sql.lastResult): number {
    return Number(this.database.get(statement, {})?.last ?? 0);
  }
}

/** Rows of one look, so that a burst elsewhere does not block the loop here. */
const lookLimit = 1_000;
