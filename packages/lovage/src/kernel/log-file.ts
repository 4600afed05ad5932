/**
 * A log in a file: whole lines, appended, so that all processes of a node may share it. When somebody has moved or removed it (logrotate),
 * the next lines go into a new one of that name, within a second and without a signal, as Celery's own handler does it.
 */
import { closeSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { ConfigError } from "./errors.ts";

const lookEveryMs = 1000;

/** @throws {ConfigError} LOVAGE_LOGFILE_UNWRITABLE */
export function openLogFile(path: string, now: () => number = Date.now): (line: string) => void {
  let fd = open(path);
  let lookedAt = now();
  const follow = () => {
    if (now() - lookedAt < lookEveryMs) return;
    lookedAt = now();
    if (isSame(fd, path)) return;
    const next = openSync(path, "a");
    closeSync(fd);
    fd = next;
  };
  return (line) => {
    try {
      follow();
      writeSync(fd, line);
    } catch {
      // A full disk must not end a worker: the line is dropped, the work goes on.
    }
  };
}

function open(path: string): number {
  try {
    return openSync(path, "a");
  } catch (cause) {
    throw new ConfigError(
      "LOVAGE_LOGFILE_UNWRITABLE",
      `Cannot log to ${path}: ${(cause as Error).message}. Name a file in a folder that the node may write to with -f.`,
      { cause, details: { path } },
    );
  }
}

function isSame(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return false;
  const ours = fstatSync(fd);
  return there.ino === ours.ino && there.dev === ours.dev;
}
