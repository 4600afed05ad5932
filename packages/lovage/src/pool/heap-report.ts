/**
 * How a full JavaScript heap is told from an abort: V8 ends the process by the same signal, and only Node's own report says
 * which it was. It may hold secrets of the environment: its folder is ours alone, and it is removed as soon as it was read.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;

function ownFolder(): string {
  if (folder !== undefined && existsSync(folder)) return folder;
  const made = mkdtempSync(join(tmpdir(), "lovage-reports-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
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
