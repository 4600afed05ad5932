/** Opens the file as a database of ours: WAL, durability, format. Several processes may do so for a new file at once. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../kernel/errors.ts";
import { Database } from "./database.ts";
import { loadDriver } from "./driver.ts";
import { isBusy, toFault } from "./faults.ts";
import * as sql from "./sql/statements.ts";
import type { Location } from "./url.ts";

/** The format this release writes and the oldest it reads: raised with every change of a table or of what stands in it. */
export const formats = { written: 2, oldest: 2 } as const;

/**
 * SQLite's own busy wait blocks the event loop, so it is short; what takes longer is waited for asynchronously.
 * dependencies.md, embedded store, rule 3.
 */
const busyWaitMs = 10;
/** Where a new file is switched to WAL by several processes at once, SQLite says "locked" though it is a matter of milliseconds. */
const openForMs = 10_000;

/** @throws {ConfigError | BrokerUnavailableError} with what to do about it. */
export async function connect(location: Location): Promise<Database> {
  assertPlace(location);
  const openDriver = await loadDriver();
  const deadline = performance.now() + openForMs;
  for (let pauseMs = 2; ; pauseMs = Math.min(50, pauseMs * 2)) {
    let database: Database | undefined;
    try {
      database = new Database(openDriver(location.path));
      prepareFile(database, location);
      return database;
    } catch (error) {
      database?.close();
      if (!isBusy(error) || performance.now() > deadline) throw opening(error, location);
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }
}

function assertPlace({ name, path }: Location): void {
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError("LOVAGE_STORE_NO_FOLDER", `Cannot open ${name}: there is no folder ${folder}. Create it, or name another file.`, {
      details: { path, folder },
    });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    throw new ConfigError("LOVAGE_STORE_IS_FOLDER", `Cannot open ${name}: ${path} is a folder. Name a file in it.`, { details: { path } });
  }
  // SQLite itself would open what it can only read, and refuse the first write.
  if (!isWritable(folder) || (found && !isWritable(path))) throw opening({ code: "SQLITE_READONLY" }, { name, path });
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** At the start nothing of this passes by itself, so that a worker ends with "bad configuration" instead of trying for ever. */
function opening(error: unknown, { name, path }: Pick<Location, "name" | "path">): unknown {
  const fault = toFault(error, { path: name, doing: "open" }) as { code?: string; message: string };
  if (fault.code !== "LOVAGE_STORE_READ_ONLY" && fault.code !== "LOVAGE_STORE_CANNOT_OPEN") return fault;
  return new ConfigError(fault.code, fault.message, { cause: error, details: { path } });
}

function prepareFile(database: Database, location: Location): void {
  const { driver } = database;
  driver.exec(`PRAGMA busy_timeout = ${busyWaitMs}`);
  const mode = driver.prepare("PRAGMA journal_mode = WAL").get([])?.journal_mode;
  if (mode !== "wal") {
    throw new ConfigError(
      "LOVAGE_STORE_NO_WAL",
      `Cannot use ${location.name}: its file system does not support SQLite's write-ahead log (journal mode is "${String(mode)}"). Keep the file on a local disk, not on a network share.`,
      { details: { path: location.path } },
    );
  }
  driver.exec(`PRAGMA synchronous = ${location.synchronous}`);
  driver.exec("PRAGMA journal_size_limit = 67108864");
  // Result ids are random, so a batch touches as many pages of their index: with room to keep those (16 MB) and fewer
  // checkpoints (every 4,000 pages) a drain of 20,000 in batches of 64 went from 19.7 to 20.6 k/s, a bulk publish from 86 to 106 k/s.
  driver.exec("PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000");
  if (database.all(sql.tables, {}).length === 0) create(database);
  assertFormat(database, location);
}

/** Another process may have been faster: whoever gets the lock second finds the tables. */
function create(database: Database): void {
  database.run(sql.begin, {});
  try {
    if (database.all(sql.tables, {}).length === 0) {
      database.driver.exec(`${sql.schema.text};\n${sql.limitTables.text}`);
      database.run(sql.setFormat, { number: formats.written });
    }
    database.run(sql.commit, {});
  } catch (error) {
    database.driver.exec("ROLLBACK");
    throw error;
  }
}

const neededText = formats.oldest === formats.written ? `${formats.written}` : `${formats.oldest} to ${formats.written}`;

function assertFormat(database: Database, { name, path }: Location): void {
  const ours = database.all(sql.tables, {}).some((table) => table.name === "lovage_format");
  if (!ours) {
    throw new ConfigError(
      "LOVAGE_STORE_FOREIGN",
      `Cannot use ${name}: it is the database of another program, which we will not change. Name a file of its own for Lovage.`,
      { details: { path } },
    );
  }
  const found = Number(database.get(sql.format, {})?.number);
  if (found >= formats.oldest && found <= formats.written) return;
  throw new ConfigError(
    "LOVAGE_STORE_FORMAT",
    `Cannot use ${name}: it has format ${found}, this release of Lovage needs ${neededText}. Use the release that wrote it, or drain it there and start with a new file.`,
    { details: { path, found, oldest: formats.oldest, newest: formats.written } },
  );
}
