/**
 * A journal that user code writes of its own runs. It survives `kill -9` of the writer at any instant: a line is one write to a
 * file opened for appending, and is the system's from then on. Any number of processes write to one file.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import { currentRun } from "../../execution/current-run.ts";
import { sharedNowMs } from "./processes.ts";

export interface JournaledRun {
  /** What the task was called by its sender: one label, one task. */
  readonly label: string;
  /** The run's `fencingToken`: of this delivery alone. */
  readonly token: string;
  readonly pid: number;
  /** The supervisor. */
  readonly parentPid: number;
  /** Milliseconds on the clock of `sharedNowMs`. */
  readonly startedAtMs: number;
  /** undefined: its code has not come to its end. */
  readonly endedAtMs: number | undefined;
}

const files = new Map<string, number>();
/** Before its supervisor dies: afterwards it would be another's. */
const parentPid = process.ppid;

/** Inside a task: notes that this run has started. Call what it returns as the last thing that the task does. */
export function journalRun(path: string, label: string): () => void {
  const { fencingToken } = currentRun();
  write(path, ["+", label, fencingToken, process.pid, parentPid, sharedNowMs()]);
  return () => write(path, ["-", fencingToken, sharedNowMs()]);
}

/** In the order in which they started. A file that nobody has written to yet has none. */
export function readJournal(path: string): readonly JournaledRun[] {
  const runs: Writable[] = [];
  const latest = new Map<string, Writable>();
  for (const line of linesOf(path)) {
    const entry = JSON.parse(line) as Started | Ended;
    if (entry[0] === "-") {
      const run = latest.get(entry[1]);
      if (run !== undefined) run.endedAtMs = entry[2];
      continue;
    }
    const [, label, token, pid, parent, startedAtMs] = entry;
    const run: Writable = { label, token, pid, parentPid: parent, startedAtMs, endedAtMs: undefined };
    latest.set(token, run);
    runs.push(run);
  }
  return runs.sort((a, b) => a.startedAtMs - b.startedAtMs);
}

type Writable = { -readonly [K in keyof JournaledRun]: JournaledRun[K] };
type Started = readonly ["+", label: string, token: string, pid: number, parentPid: number, atMs: number];
type Ended = readonly ["-", token: string, atMs: number];

function write(path: string, fields: Started | Ended): void {
  const file = files.get(path) ?? openSync(path, "a");
  files.set(path, file);
  writeSync(file, `${JSON.stringify(fields)}\n`);
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
