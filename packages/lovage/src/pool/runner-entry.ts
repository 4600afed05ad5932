/**
 * The seam between a pool and what runs inside it: `pool/` may not know the worker, so it is given the URL of a module that
 * exports `start`. The pool brings the slot table, the channel to the supervisor and the loop's heartbeat; the entry
 * loads the app and runs tasks. `start` must not throw: it sends `failed` and returns a port that is done.
 */
import type { FromRunner, RunnerSpec, ToRunner } from "./protocol.ts";
import type { SlotTable } from "./slot-table.ts";

export interface RunnerContext {
  readonly spec: RunnerSpec;
  /** Has more rows than `spec.slots`, for suspended runs. */
  readonly slots: SlotTable;
  /** The same for all runners of this process. */
  readonly shared: SharedArrayBuffer;
  /** To the supervisor, in order. */
  send(message: FromRunner): void;
}

export interface RunnerPort {
  receive(message: ToRunner): void;
  /** The watchdog has set the slot's abort flag because of the soft limit, or a cancel: let awaits see it now. */
  flagged(number: number): void;
  /** Settles when the runner is at its end (drained, fenced, failed); its thread or process then exits. */
  readonly done: Promise<void>;
}

export type StartRunner = (context: RunnerContext) => RunnerPort | Promise<RunnerPort>;
export interface RunnerEntry {
  readonly start: StartRunner;
}
