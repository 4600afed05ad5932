/**
 * Errors of user code that nobody awaited or caught. Node keeps the async context of a promise, a timer and an emitter, so
 * the run that made them can nearly always be told. A rejection fails that run and leaves the process sound. An exception
 * thrown into the event loop may leave anything half done: its run ends at once, and the runner makes room for a fresh one.
 * What cannot be told ends the process: to go on with unknown damage is worse than to run a few messages again.
 *
 * Installed only where the runner owns its process or thread; never by `inline`, whose process belongs to somebody else.
 */
import type { Logger } from "../../kernel/logger.ts";
import type { Run } from "./run.ts";

export interface StrayErrorsOptions {
  readonly log: Logger;
  /** The run whose async context we are in; "over": it was one that has ended. */
  currentRun(): Run | "over" | undefined;
  /** End the run over its head, if it still goes on, and make room for a fresh runner. */
  onThrown(run: Run | "over", error: unknown): void;
  /** Nobody's. */
  onUnknown(error: unknown): void;
}

/** Returns what takes the handlers away again. */
export function watchStrayErrors(options: StrayErrorsOptions): () => void {
  const { log, currentRun, onThrown, onUnknown } = options;
  const onRejection = (error: unknown): void => {
    const run = currentRun();
    if (run !== undefined) log.error("runner.unhandled-rejection", { ...named(run), error });
    if (run === undefined) onUnknown(error);
    else if (run !== "over") run.failBy(error);
  };
  const onException = (error: unknown): void => {
    const run = currentRun();
    if (run !== undefined) log.error("runner.uncaught-exception", { ...named(run), error });
    if (run === undefined) onUnknown(error);
    else onThrown(run, error);
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
  };
}

const named = (run: Run | "over"): Readonly<Record<string, unknown>> =>
  run === "over" ? { afterItsEnd: true } : { task: run.message.task, taskId: run.message.id };
