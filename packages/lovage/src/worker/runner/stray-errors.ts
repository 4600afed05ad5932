/**
 * Errors of user code that nobody awaited or caught. Node keeps the async context of a promise, a timer and an emitter, so
 * the run that made them can nearly always be told. A rejection fails that run and leaves the process sound. An exception
 * thrown into the event loop may leave anything half done: its run ends at once, and the runner makes room for a fresh one.
 * What cannot be told ends the process: to go on with unknown damage is worse than to run a few messages again.
 *
 * Installed only where the runner owns its process or thread; never by `inline`, whose process belongs to somebody else.
 */
import { tryCurrentRun } from "../../execution/current-run.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Epoch } from "../../message/commit.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { Run } from "./run.ts";
import type { Runs } from "./runs.ts";

export interface StrayErrorsOptions {
  readonly log: Logger;
  readonly epoch: Epoch;
  readonly runs: Runs;
  /** End the run over its head, if it still goes on ("over": it has ended), and make room for a fresh runner. */
  onThrown(run: Run | "over", error: unknown): void;
}

/** Returns what takes the handlers away again. */
export function watchStrayErrors(options: StrayErrorsOptions): () => void {
  const { log, onThrown } = options;
  const onRejection = (error: unknown): void => {
    const run = runOfThisContext(options);
    if (run === undefined) endProcess(log, error);
    log.error("runner.unhandled-rejection", { ...named(run), error });
    if (run !== "over") run.failBy(error);
  };
  const onException = (error: unknown): void => {
    const run = runOfThisContext(options);
    if (run === undefined) endProcess(log, error);
    log.error("runner.uncaught-exception", { ...named(run), error });
    onThrown(run, error);
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
  };
}

/** The run whose async context we are in; "over": it was one that has ended; undefined: nobody's. */
function runOfThisContext({ epoch, runs }: StrayErrorsOptions): Run | "over" | undefined {
  const token = tryCurrentRun()?.fencingToken;
  const prefix = `${epoch}/`;
  if (!token?.startsWith(prefix)) return undefined;
  return runs.get(Number(token.slice(prefix.length))) ?? "over";
}

function endProcess(log: Logger, error: unknown): never {
  log.error("runner.error-of-nobody", { error, remedy: "await or catch it; the process ends" });
  process.exit(1);
}

const named = (run: Run | "over"): Readonly<Record<string, unknown>> => (run === "over" ? { afterItsEnd: true } : runFacts(run.message));
