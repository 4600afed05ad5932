/**
 * What a supervisor and its runners say to each other: small messages, never a payload of a task. They travel as JSON over
 * the child's IPC channel; those of a watchdog over a pipe of its own, so that they pass while user code blocks the loop.
 * A process may hold several runners (threads), so each message names its runner by epoch.
 */
import type { LogFormat, LogLevel } from "../kernel/logger.ts";
import type { Epoch } from "../message/commit.ts";
import type { QueueName, TaskId } from "../message/task-message.ts";

/** How to start a runner. JSON; the same for every pool. */
export interface RunnerSpec {
  readonly epoch: Epoch;
  /** Absolute path or URL of the module whose default export is the app. */
  readonly appModule: string;
  /** Settings that the command line overrides, already resolved. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The node's name, `celery@host`. */
  readonly nodeName: string;
  readonly queues: readonly QueueName[];
  readonly slots: number;
  /** Of these, for now. */
  readonly openSlots: number;
  /** It is the only runner of its node, and listens for messages itself: nobody else could be woken in its place. */
  readonly ownBell: boolean;
  /** Deliveries a slot may hold, the running one included. */
  readonly prefetch: number;
  /** It has a process of its own, runs only what was reassigned to it before it started, and ends then. */
  readonly alone?: boolean;
  readonly maxTasks: number | null;
  /** Bytes; RSS of a process, heap of a thread. Looked at between tasks. */
  readonly maxMemoryBytes: number | null;
  /** Bytes; RSS of a process, heap of a thread. Above it the runner is ended in the middle of a task. */
  readonly hardMemoryBytes: number | null;
  /** Somebody listens to task events, for now. */
  readonly wantsEvents: boolean;
  /** When the node was started, milliseconds since 1970: its Lamport clocks count from there. */
  readonly nodeStartedAt: number;
  /** Absent: none. */
  readonly changedLimits?: ChangedTaskLimits;
  /** Of its log lines, which go to the node's stderr. @defaultValue info, lines for people */
  readonly log?: { readonly level: LogLevel | "silent"; readonly format: LogFormat; readonly file: string | null };
}

/** What a node was told, while it runs, about a task's limits; what is absent is as declared. */
export interface ChangedLimits {
  /** Of this node, milliseconds from start to start; null: none. */
  readonly intervalMs?: number | null;
  /** Seconds; null: the app's. */
  readonly time?: { readonly hard: number | null; readonly soft: number | null };
}

/** By task. */
export type ChangedTaskLimits = Readonly<Record<string, ChangedLimits>>;

export type ToRunner =
  /** There may be something in the queues: reserve. */
  | { readonly t: "wake"; readonly epoch: Epoch }
  /** There are new revokes: fetch them. */
  | { readonly t: "revokes"; readonly epoch: Epoch }
  /** Reserve no more, finish what runs, then say `drained` and exit. */
  | { readonly t: "drain"; readonly epoch: Epoch }
  /** Abort every run with this reason and give back what has not started. What ends in `graceMs` is committed; then `drained`. */
  | { readonly t: "hand-back"; readonly epoch: Epoch; readonly graceMs: number }
  /** This delivery was ended over the runner's head: its context throws, its commit is dropped. */
  | { readonly t: "abandon"; readonly epoch: Epoch; readonly number: number }
  /** So many slots are open from now on; what runs in those that close goes on. */
  | { readonly t: "slots"; readonly epoch: Epoch; readonly count: number }
  /** All that were changed, answered by `limits-set`; runs that have begun keep theirs. `version` grows with each change. */
  | { readonly t: "task-limits"; readonly epoch: Epoch; readonly version: number; readonly changed: ChangedTaskLimits }
  /** Run one of the app's own control commands; the answer is `said`, if it does not take too long. */
  | {
      readonly t: "command";
      readonly epoch: Epoch;
      readonly call: number;
      readonly name: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    }
  | { readonly t: "queues"; readonly epoch: Epoch; readonly queues: readonly QueueName[] };

/** A run that has to stop. */
export interface Cancelling {
  readonly number: number;
  readonly taskId: TaskId;
  /** null: it is asked, and never killed. */
  readonly killAfterMs: number | null;
  /** For its process, if the run is alone in it. */
  readonly signal?: string;
}

export type FromRunner =
  /** App loaded, `setup()` done, epoch in use. */
  | { readonly t: "ready"; readonly epoch: Epoch; readonly pid: number }
  /** Free slots and nothing in the queues: `wake` me. */
  | { readonly t: "idle"; readonly epoch: Epoch }
  /** It heard its own bell, and is idle no longer. */
  | { readonly t: "awake"; readonly epoch: Epoch }
  /** The last reserve came back full: there is probably more, wake another. */
  | { readonly t: "full"; readonly epoch: Epoch }
  /** A limit of its own was reached; it drains already. */
  | { readonly t: "recycle"; readonly epoch: Epoch; readonly reason: "max-tasks" | "max-memory" }
  /** A run was told to stop (revoked); without its end within `killAfterMs` it has to be killed. */
  | ({ readonly t: "cancelling"; readonly epoch: Epoch } & Cancelling)
  | { readonly t: "ended"; readonly epoch: Epoch; readonly number: number }
  /** Its epoch was closed by somebody else. It exits. */
  | { readonly t: "fenced"; readonly epoch: Epoch }
  /** It takes nothing more: what it is handed from now on goes back. */
  | { readonly t: "closed"; readonly epoch: Epoch }
  | { readonly t: "drained"; readonly epoch: Epoch; readonly tasksDone: number }
  /** The app could not be loaded or `setup()` threw: `code` and `message` for people. It exits. */
  | { readonly t: "failed"; readonly epoch: Epoch; readonly code: string; readonly message: string }
  /** What a command of the app's own answered, as JSON text, or why it has no answer. */
  | { readonly t: "said"; readonly epoch: Epoch; readonly call: number; readonly answer?: string; readonly error?: string }
  /** What it begins from now on has the limits of this version. */
  | { readonly t: "limits-set"; readonly epoch: Epoch; readonly version: number }
  /** Tasks that it has begun since it last said so, by name. */
  | { readonly t: "counts"; readonly epoch: Epoch; readonly started: Readonly<Record<string, number>> }
  /** The store could not be reached for this long, while so many deliveries are held. */
  | { readonly t: "store-down"; readonly epoch: Epoch; readonly forMs: number; readonly held: number };

/** From the watchdog thread of a runner's process. `number` is a delivery's. Times in milliseconds. */
export type FromWatchdog =
  | { readonly t: "soft-limit"; readonly epoch: Epoch; readonly number: number }
  | { readonly t: "hard-limit"; readonly epoch: Epoch; readonly number: number; readonly limitMs: number; readonly loopLagMs: number }
  /** `numbers`: the run that blocks it, where that can be told; else all that may. `stack`: of its code, innermost first. */
  | {
      readonly t: "loop-blocked";
      readonly epoch: Epoch;
      readonly lagMs: number;
      readonly numbers: readonly number[];
      readonly stack?: readonly string[];
    }
  /** Its process is larger than it may be. */
  | { readonly t: "over-memory"; readonly epoch: Epoch; readonly bytes: number; readonly limitBytes: number }
  | { readonly t: "slots"; readonly asked: number; readonly rssBytes: number; readonly runners: readonly RunnerSlots[] };
export type ToWatchdog =
  | { readonly t: "slots?"; readonly asked: number }
  /** Whether anybody listens to the task events of this process's runners. */
  | { readonly t: "events"; readonly wanted: boolean }
  /** Raise the abort flag of this run, so that code in a loop which asks sees the cancel. */
  | { readonly t: "cancel"; readonly epoch: Epoch; readonly number: number; readonly signal?: string };

export interface RunnerSlots {
  readonly epoch: Epoch;
  readonly tasksDone: number;
  readonly loopLagMs: number;
  /** How long its question for messages has had no answer; 0: none is open. */
  readonly askingMs: number;
  readonly taken: readonly { readonly number: number; readonly runningMs: number; readonly state: "running" | "suspended" | "abandoned" }[];
}
