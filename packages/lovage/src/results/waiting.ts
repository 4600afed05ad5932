/** A wait with a deadline, an abort signal, and the manners of a wait inside a run. */
import { either } from "../kernel/either.ts";
import { WaitTimeoutError } from "../kernel/errors.ts";
import { ambientRuns } from "../task/ambient.ts";
import type { GetOptions } from "../task/async-result.ts";
import type { Deadline } from "./result-watcher.ts";

/** @throws {WaitTimeoutError} LOVAGE_WAIT_TIMEOUT; the signal's reason when it aborts. */
export async function waitFor<T>(what: string, options: GetOptions, work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
  const { timeoutMs, signal } = options;
  if (timeoutMs === undefined) return inRun(work(signal));
  const stop = new AbortController();
  const both = signal && either(signal, stop.signal);
  const timer = setTimeout(() => stop.abort(timedOut(what, timeoutMs)), timeoutMs);
  try {
    return await inRun(work(both?.signal ?? stop.signal));
  } finally {
    clearTimeout(timer);
    both?.release();
  }
}

/** @throws by its `error`: WaitTimeoutError LOVAGE_WAIT_TIMEOUT */
export function deadlineOf(what: string, { timeoutMs }: GetOptions): Deadline | undefined {
  return timeoutMs === undefined ? undefined : { at: performance.now() + timeoutMs, error: () => timedOut(what, timeoutMs) };
}

/** A run that waits for a child leaves its slot to others meanwhile. */
export function inRun<T>(work: Promise<T>): Promise<T> {
  const run = ambientRuns.getStore();
  return run === undefined ? work : run.suspend(work);
}

function timedOut(what: string, timeoutMs: number): WaitTimeoutError {
  return new WaitTimeoutError("LOVAGE_WAIT_TIMEOUT", `Waited ${timeoutMs} ms for ${what}, which has not ended; it goes on.`, {
    details: { timeoutMs },
  });
}
