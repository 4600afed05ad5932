/** The only thing in which the pools differ: how a runner is spawned, spoken to and killed. Knows nothing of tasks or brokers. */
import type { Epoch } from "../message/commit.ts";
import type { FromRunner, FromWatchdog, RunnerSlots, RunnerSpec, ToRunner } from "./protocol.ts";

export interface RunnerExit {
  readonly epoch: Epoch;
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It was killed because a neighbour in its process was: its work is not to blame. */
  readonly asNeighbour: boolean;
  /** Its process ended by itself with other runners in it: any of them may be the cause. */
  readonly inCompany?: boolean;
  /** Its JavaScript heap was full. */
  readonly heapFull?: boolean;
}

export interface Runner {
  readonly epoch: Epoch;
  /** Of its process. */
  readonly pid: number | null;
  send(message: ToRunner): void;
  /** Raises the abort flag of a run through the watchdog, so that code in a loop which asks sees it. */
  cancel(number: number, signal?: string): void;
  /** Tells it through the watchdog whether anybody listens to its task events. What `slots` is asked from then on comes after it. */
  wantEvents(wanted: boolean): void;
  /** Sends it to the runner's process, where it has one for itself with one slot. False: it would hit others. */
  signal(name: NodeJS.Signals): boolean;
  /** What its slots hold now; answered although user code blocks the loop. Rejects after `deadlineMs`. */
  slots(deadlineMs: number): Promise<RunnerSlots>;
  /** Ends it for sure: a thread is terminated, or takes its process with it after 2 s; a process is killed with its group. */
  kill(): Promise<void>;
  readonly exited: Promise<RunnerExit>;
}

export interface HostEvents {
  onMessage(message: FromRunner): void;
  onWatchdog(message: FromWatchdog): void;
}

export interface RunnerHost {
  /** Runners of this host can be killed. `inline` says false. */
  readonly canKill: boolean;
  spawn(spec: RunnerSpec, events: HostEvents): Promise<Runner>;
  /** After all runners are gone. */
  close(): Promise<void>;
}
