/** What all runs of one app share. Made once by the app. */
import type { Middleware } from "../middleware/middleware.ts";
import type { Sender } from "../task/sender.ts";

export interface ExecutionContext {
  readonly sender: Sender;
  /** In order, the first one outermost. */
  readonly middleware: readonly Middleware[];
  /** Runs `work` unless a run of this key has finished before, and gives its stored value then. */
  once<T>(key: string, work: () => T | PromiseLike<T>): Promise<T>;
  /** Wall clock, milliseconds. */
  now(): number;
  /** In [0, 1): jitter. */
  random(): number;
  /** Milliseconds that custom states live; null: for ever. */
  readonly resultExpiresMs: number | null;
}
