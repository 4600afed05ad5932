/** What a supervisor's process and a runner's process say to each other about hosting; the runners' own words travel inside. */
import type { Epoch } from "../message/commit.ts";
import type { FromRunner, RunnerSpec, ToRunner } from "./protocol.ts";

/** File descriptor of the watchdog's pipe in a runner's process; 3 is the IPC channel. */
export const watchdogFd = 4;

/** Where the runners of a child live: on its main thread (one runner), or each in a thread of its own. */
export type HostingMode = "main" | "threads";

export type ToChild =
  | { readonly c: "start"; readonly spec: RunnerSpec }
  | { readonly c: "to"; readonly message: ToRunner }
  /** Threads only: end this one. Without its `exit` within 2 s, or with children, the parent kills the process. */
  | { readonly c: "terminate"; readonly epoch: Epoch };

export type FromChild =
  | { readonly c: "from"; readonly message: FromRunner }
  /** Threads only. */
  | { readonly c: "exit"; readonly epoch: Epoch; readonly code: number; readonly heapFull: boolean }
  /** Threads only: told to end, and processes that its code has started would outlive it. */
  | { readonly c: "has-children"; readonly epoch: Epoch };

export interface WatchdogData {
  /** Of the process whose group it ends. */
  readonly pid: number;
  readonly mode: HostingMode;
}

/** To the watchdog thread from the main thread of its process. */
export type ToWatchdogThread =
  /** `hardMemoryBytes`: of the process, which is the runner's alone. */
  | {
      readonly w: "add";
      readonly epoch: Epoch;
      readonly slots: number;
      readonly memory: SharedArrayBuffer;
      readonly hardMemoryBytes: number | null;
    }
  | { readonly w: "remove"; readonly epoch: Epoch }
  /** A loop that rested has something to run. */
  | { readonly w: "look" };

/** From the watchdog thread: this run's abort flag was set. */
export interface Flagged {
  readonly w: "flagged";
  readonly epoch: Epoch;
  readonly number: number;
}

/** From a runner's thread to the main thread of its process. */
export type FromThread = FromChild | { readonly c: "look" } | { readonly c: "children"; readonly running: number };

/** To a runner's thread. */
export type ToThread = { readonly c: "to"; readonly message: ToRunner } | Flagged;

export interface ThreadData {
  readonly entry: string;
  readonly spec: RunnerSpec;
  readonly rows: number;
  readonly memory: SharedArrayBuffer;
  readonly shared: SharedArrayBuffer;
}
