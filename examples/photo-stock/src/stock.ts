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

export class StockLedger {
  readonly #database: Database.Database;
  readonly #insert: Database.Statement;

  constructor(file: string) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#database = new Database(file, { timeout: 5000 });
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#database.exec(
      "CREATE TABLE IF NOT EXISTS movement (photo_sha256 TEXT PRIMARY KEY, quantity INTEGER NOT NULL, booked_at TEXT NOT NULL) STRICT",
    );
    this.#insert = this.#database.prepare(
      "INSERT INTO movement (photo_sha256, quantity, booked_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    );
  }

  /** False: this photograph was booked before. */
  book({ photoSha256, quantity }: StockMovement): boolean {
    return this.#insert.run(photoSha256, quantity, new Date().toISOString()).changes === 1;
  }

  movements(): readonly StockMovement[] {
    return this.#database.prepare("SELECT photo_sha256 AS photoSha256, quantity FROM movement ORDER BY booked_at").all() as StockMovement[];
  }

  close(): void {
    this.#database.close();
  }
}
