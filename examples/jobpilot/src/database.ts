/**
 * One pool per process, made when this module is imported and used by every task that runs there; connections are opened by
 * the first query. PostgreSQL, or SQLite behind the same queries. Who only sends tasks imports their types, and makes no pool.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { Kysely, PostgresDialect, SqliteDialect } from "kysely";
import Database from "libsql";
import pg from "pg";
import { readSettings } from "./settings.ts";

export interface Tables {
  readonly briefing: {
    /** Of the whole agent run: what makes a second write of the same briefing none. */
    readonly run_id: string;
    readonly topic: string;
    readonly text: string;
    /** JSON: the URLs that it was made from. */
    readonly sources: string;
    readonly written_at: string;
  };
}

const mostConnections = 5;

export function openDatabase(url: string): Kysely<Tables> {
  if (/^postgres(ql)?:/.test(url)) {
    const pool = new pg.Pool({ connectionString: url, max: mostConnections, application_name: "jobpilot", allowExitOnIdle: true });
    pool.on("error", () => undefined); // an idle connection was lost: the next query opens another
    return new Kysely({ dialect: new PostgresDialect({ pool }) });
  }
  mkdirSync(path.dirname(path.resolve(url)), { recursive: true });
  const database = new Database(url, { timeout: 5000 });
  database.pragma("journal_mode = WAL");
  return new Kysely({ dialect: new SqliteDialect({ database: database as never }) });
}

/** The database is away, cut us off, is starting or locked: trying again may help. Drivers say so in words, not always by a code. */
export class DatabaseError extends Error {
  constructor(cause: unknown) {
    super(`The database of briefings refused: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "DatabaseError";
  }
}

/** @throws {DatabaseError} */
export const asked = <T>(query: Promise<T>): Promise<T> =>
  query.catch((error: unknown) => {
    throw new DatabaseError(error);
  });

/** Of this process. */
export const database = openDatabase(readSettings(process.env).database);

/** Safe to call from many processes at once, as those of a fleet do when they start. @throws {DatabaseError} */
export async function createTables(db: Kysely<Tables>): Promise<void> {
  const create = () =>
    db.schema
      .createTable("briefing")
      .ifNotExists()
      .addColumn("run_id", "text", (column) => column.primaryKey())
      .addColumn("topic", "text", (column) => column.notNull())
      .addColumn("text", "text", (column) => column.notNull())
      .addColumn("sources", "text", (column) => column.notNull())
      .addColumn("written_at", "text", (column) => column.notNull())
      .execute();
  // PostgreSQL lets two of them look at once, and refuses the later one: by then it is there.
  await asked(create().catch(create));
}
