/** What a pool starts in a child process or in a thread: loads the app, opens the store, runs a runner. Its URL is given to the pool. */
import { isMainThread } from "node:worker_threads";
import type { App } from "../app/app.ts";
import { loadApp } from "../app/load-app.ts";
import { systemClock } from "../kernel/clock.ts";
import { isLovageError } from "../kernel/errors.ts";
import { createLogger } from "../kernel/logger.ts";
import type { RunnerContext, RunnerPort } from "../pool/runner-entry.ts";
import { startRunner } from "./runner/runner.ts";
import { redirectOutput } from "./runner/task-output.ts";

/** Milliseconds that a store may take to let go when the runner is done; its process ends then anyway. */
const closeWithinMs = 1000;

export async function start({ spec, slots, shared, send }: RunnerContext): Promise<RunnerPort> {
  const log = createLogger({ ...spec.log, fields: { node: spec.nodeName, pid: process.pid } });
  try {
    const { app } = await loadApp(spec.appModule, { flags: spec.settings });
    if (app.config.workerRedirectStdouts ?? spec.log?.format === "json") redirectOutput(log);
    app.logFaults(log);
    const store = await app.store();
    const memoryBytes = isMainThread ? undefined : threadMemoryBytes;
    const runner = await startRunner({
      app,
      store,
      spec,
      slots,
      send,
      log,
      clock: systemClock,
      ownsProcess: true,
      revokeMemory: shared,
      ...(memoryBytes && { memoryBytes }),
    });
    return {
      receive: (message) => runner.receive(message),
      flagged: (number) => runner.flagged(number),
      done: runner.done.then(() => close(app)),
    };
  } catch (error) {
    const code = isLovageError(error) ? error.code : "LOVAGE_RUNNER_START";
    const message = error instanceof Error ? (isLovageError(error) ? error.message : (error.stack ?? error.message)) : String(error);
    send({ t: "failed", epoch: spec.epoch, code, message });
    return { receive: () => {}, flagged: () => {}, done: Promise.resolve() };
  }
}

async function close(app: App): Promise<void> {
  await Promise.race([app.close(), systemClock.sleep(closeWithinMs)]).catch(() => undefined);
}

/** RSS is that of all threads together; these are this one's. */
function threadMemoryBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
