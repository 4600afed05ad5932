/** What SQLite says, in our words: what may pass by itself, what will not, and what to do about it. */
import { BrokerUnavailableError, ConfigError, isLovageError, type LovageError, StoreRefusedError } from "../../kernel/errors.ts";

/** Primary result codes (sqlite.org/rescode.html); `node:sqlite` gives numbers only. */
const codes: Readonly<Record<number, string>> = {
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  15: "SQLITE_PROTOCOL",
  18: "SQLITE_TOOBIG",
  26: "SQLITE_NOTADB",
};

/** `SQLITE_…` without its extension (`SQLITE_IOERR_WRITE` is `SQLITE_IOERR`), or "" for anything else. */
export function sqliteCode(error: unknown): string {
  const { code, errcode, rawCode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; rawCode?: unknown; message?: unknown };
  const number = [errcode, rawCode].find((one) => typeof one === "number");
  if (typeof number === "number") return codes[number & 0xff] ?? "SQLITE_ERROR";
  if (typeof code === "string" && code.startsWith("SQLITE_")) return code.split("_", 2).join("_");
  // libsql gives a failed open as plain text that ends in the number.
  const opening = /Unable to open connection to local database .*: (\d+)/.exec(String(message ?? error));
  return opening ? (codes[Number(opening[1]) & 0xff] ?? "SQLITE_ERROR") : "";
}

/** Another connection holds the lock: worth another try at once. */
export const isBusy = (error: unknown): boolean => ["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"].includes(sqliteCode(error));

export const isFull = (error: unknown): boolean => sqliteCode(error) === "SQLITE_FULL";

export interface FaultContext {
  /** File, as the user named it. */
  readonly path: string;
  /** What we were doing, as in "Cannot … <path>". */
  readonly doing: string;
  readonly taskIds?: readonly string[];
  /** The transaction may have been kept all the same: the error came while it was being made durable. */
  readonly maybeAccepted?: boolean;
}

/** Typed errors stay as they are; what is no SQLite error at all is a bug of ours and stays too. */
export function toFault(cause: unknown, context: FaultContext): unknown {
  if (isLovageError(cause)) return cause;
  const make = faults[sqliteCode(cause)];
  return make ? make(context, cause) : cause;
}

type MakeFault = (context: FaultContext, cause: unknown) => LovageError;

const unavailable =
  (code: `LOVAGE_${string}`, say: string): MakeFault =>
  ({ path, doing, taskIds = [], maybeAccepted = false }, cause) =>
    new BrokerUnavailableError(code, `Cannot ${doing} ${path}: ${say}`, { cause, details: { path, taskIds, maybeAccepted } });

const busy = unavailable(
  "LOVAGE_STORE_BUSY",
  "other processes kept it locked until the deadline. If that lasts, look for a process that holds a transaction open, or move to Redis.",
);

const faults: Readonly<Record<string, MakeFault>> = {
  SQLITE_BUSY: busy,
  SQLITE_LOCKED: busy,
  SQLITE_PROTOCOL: busy,
  SQLITE_FULL: unavailable(
    "LOVAGE_STORE_FULL",
    "the disk, or the file's own limit, is full. Nothing accepted so far is lost; free some space and it goes on.",
  ),
  SQLITE_IOERR: unavailable("LOVAGE_STORE_IO", "the disk answered with an error. Look at the system's log; keep the file on a local disk."),
  SQLITE_READONLY: unavailable(
    "LOVAGE_STORE_READ_ONLY",
    "the file or its folder is read-only for this user. Give it write permission on both.",
  ),
  SQLITE_CANTOPEN: unavailable(
    "LOVAGE_STORE_CANNOT_OPEN",
    "it can't be opened. Its folder must exist, and this user must be allowed to write there.",
  ),
  SQLITE_TOOBIG: ({ path, doing }, cause) =>
    new StoreRefusedError(
      "LOVAGE_TOO_LARGE",
      `Cannot ${doing} ${path}: a value is larger than SQLite takes. Send the name of a file instead.`,
      {
        cause,
        details: { path },
      },
    ),
  SQLITE_NOTADB: ({ path, doing }, cause) =>
    new ConfigError(
      "LOVAGE_STORE_NOT_A_DATABASE",
      `Cannot ${doing} ${path}: it is not an SQLite database. Name another file, or move this one away.`,
      {
        cause,
        details: { path },
      },
    ),
  SQLITE_CORRUPT: ({ path, doing }, cause) =>
    new StoreRefusedError(
      "LOVAGE_STORE_CORRUPT",
      `Cannot ${doing} ${path}: the file is damaged. Stop all processes, keep a copy of it with its -wal and -shm files, and recover it with "sqlite3 ${path} .recover".`,
      { cause, details: { path } },
    ),
};
