/**
 * The stock ledger: one movement per photograph, whoever counts it and however often. The photograph's SHA-256 is the key,
 * so a redelivered task, a second run and a second upload of the same picture all find the movement there and leave it.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import Database from "libsql";

export interface StockMovement {
  readonly photoSha256: string;
  readonly quantity: number;
}

/** The ledger did not take it: locked for longer than it may be, or its disk is full or gone. Trying again may help. */
export class DatabaseError extends Error {
  constructor(cause: unknown) {
    super(`The stock database refused: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "DatabaseError";
  }
}

export class StockLedger {
  readonly #database: Database.Database;
  readonly #insert: Database.Statement;

  /** @throws {DatabaseError} where there is none, and none can be made */
  constructor(file: string) {
    try {
      this.#database = openDatabase(file);
      this.#insert = this.#database.prepare(
        "INSERT INTO movement (photo_sha256, quantity, booked_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      );
    } catch (error) {
      throw new DatabaseError(error);
    }
  }

  /** False: this photograph was booked before. @throws {DatabaseError} */
  book({ photoSha256, quantity }: StockMovement): boolean {
    try {
      return this.#insert.run(photoSha256, quantity, new Date().toISOString()).changes === 1;
    } catch (error) {
      throw new DatabaseError(error);
    }
  }

  movements(): readonly StockMovement[] {
    return this.#database.prepare("SELECT photo_sha256 AS photoSha256, quantity FROM movement ORDER BY booked_at").all() as StockMovement[];
  }

  close(): void {
    this.#database.close();
  }
}

function openDatabase(file: string): Database.Database {
  mkdirSync(path.dirname(file), { recursive: true });
  const database = new Database(file, { timeout: 5000 });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(
    "CREATE TABLE IF NOT EXISTS movement (photo_sha256 TEXT PRIMARY KEY, quantity INTEGER NOT NULL, booked_at TEXT NOT NULL) STRICT",
  );
  return database;
}
