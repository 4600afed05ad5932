/**
 * The two SQLite libraries behind one narrow interface: `node:sqlite` where Node has it without a flag (22.13), `libsql`
 * below. Both open the same files at the same time. All calls are synchronous, so keep each of them short.
 */
import { ConfigError } from "../../kernel/errors.ts";

export type SqlValue = string | number | null | Uint8Array;
export type Row = Readonly<Record<string, unknown>>;

export interface Prepared {
  /** Rows changed. */
  run(args: readonly SqlValue[]): number;
  get(args: readonly SqlValue[]): Row | undefined;
  all(args: readonly SqlValue[]): readonly Row[];
}

export interface Driver {
  readonly name: string;
  exec(text: string): void;
  prepare(text: string): Prepared;
  close(): void;
}

export type OpenDriver = (path: string) => Driver;

let loaded: Promise<OpenDriver> | undefined;

/** @throws {ConfigError} when there is neither. */
export function loadDriver(): Promise<OpenDriver> {
  loaded ??= hasNodeSqlite(process.versions.node) ? loadNodeSqlite() : loadLibsql();
  return loaded;
}

export function hasNodeSqlite(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

interface NodeStatement {
  run(...args: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...args: readonly SqlValue[]): Row | undefined;
  all(...args: readonly SqlValue[]): readonly Row[];
}
interface NodeDatabase {
  exec(text: string): void;
  prepare(text: string): NodeStatement;
  close(): void;
}

async function loadNodeSqlite(): Promise<OpenDriver> {
  const name: string = "node:sqlite"; // a plain string: the types we compile with are those of the oldest Node we serve
  const { DatabaseSync } = (await import(name)) as { DatabaseSync: new (path: string) => NodeDatabase };
  return (path) => {
    const database = new DatabaseSync(path);
    return {
      name: "node:sqlite",
      exec: (text) => database.exec(text),
      prepare(text) {
        const statement = database.prepare(text);
        return {
          run: (args) => Number(statement.run(...args).changes),
          get: (args) => statement.get(...args),
          all: (args) => statement.all(...args),
        };
      },
      close: () => database.close(),
    };
  };
}

async function loadLibsql(): Promise<OpenDriver> {
  const { default: Database } = await import("libsql").catch((cause: unknown) => {
    throw new ConfigError(
      "LOVAGE_SQLITE_DRIVER_MISSING",
      `Cannot use an embedded store: Node ${process.versions.node} has no SQLite of its own and the optional package "libsql" is not installed for this platform. Use Node 22.13 or later, run "npm install libsql", or use Redis.`,
      { cause },
    );
  });
  return (path) => {
    const database = new Database(path);
    return {
      name: "libsql",
      exec(text) {
        database.exec(text);
      },
      prepare(text) {
        const statement = database.prepare(text);
        return {
          run: (args) => statement.run(args).changes,
          get(args) {
            const row = statement.get(args) as Record<string, unknown> | undefined;
            if (row) row._metadata = undefined; // libsql puts timings there
            return row;
          },
          all: (args) => statement.all(args) as readonly Row[],
        };
      },
      close() {
        database.close();
      },
    };
  };
}

/** A blob column: libsql gives an ArrayBuffer or a Buffer, `node:sqlite` a Uint8Array. */
export function blob(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  const bytes = value as Uint8Array;
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}
