/**
 * How a full JavaScript heap is told from an abort: V8 ends the process by the same signal, and only Node's own report says
 * which it was. It may hold secrets of the environment: its folder is ours alone, and it is removed as soon as it was read.
 */
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;

/** One for all nodes of this user, so that those that are killed leave none behind; of one's own where somebody else has taken the name. */
function ownFolder(): string {
  if (folder !== undefined && existsSync(folder)) return folder;
  const uid = process.getuid?.() ?? 0;
  const shared = join(tmpdir(), `lovage-reports-${uid}`);
  folder = isOurs(shared, uid) ? shared : mkdtempSync(join(tmpdir(), "lovage-reports-"));
  return folder;
}

function isOurs(path: string, uid: number): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    return false; // a file has its name
  }
  const found = lstatSync(path);
  return found.isDirectory() && (process.getuid === undefined || (found.uid === uid && (found.mode & 0o077) === 0));
}

export interface HeapReport {
  /** Flags for Node of the process that may write it. */
  readonly flags: readonly string[];
  /** After its end: whether its heap was full. Asked once. */
  take(): boolean;
}

export function heapReport(): HeapReport {
  const directory = ownFolder();
  const name = `${randomUUID()}.json`;
  const file = join(directory, name);
  return {
    flags: ["--report-on-fatalerror", "--report-compact", `--report-directory=${directory}`, `--report-filename=${name}`],
    take() {
      const wasWritten = existsSync(file);
      rmSync(file, { force: true });
      return wasWritten;
    },
  };
}
