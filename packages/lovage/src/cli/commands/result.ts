/** `lovage result ID`: the stored state of a task, or, with --wait, its end. Exit code 0: SUCCESS; 1: anything else. */
import { isLovageError, WaitTimeoutError } from "../../kernel/errors.ts";
import type { StoredResult } from "../../message/outcome.ts";
import { isReady } from "../../message/results.ts";
import type { AsyncResult } from "../../task/async-result.ts";
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { asJson, facts, print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage result 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55",
  "lovage result 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55 --wait --timeout 30 --json",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<id>", "task id")
    .option("--wait", "wait until the task has ended")
    .option("--timeout <seconds>", "with --wait: give up waiting after this")
    .option("--traceback", "print the traceback too")
    .option("-t, --task <name>", "accepted for Celery's sake: results of all tasks are in one place");

interface ResultFlags {
  readonly wait?: true;
  readonly timeout?: string;
  readonly traceback?: true;
}

export const run: CommandModule["run"] = async (context, [id = ""], flags: ResultFlags) => {
  const timeout = numberOf("--timeout", flags.timeout);
  const app = await context.loadApp();
  try {
    const handle = app.result(id);
    // Asked before, so that a store that is not there ends the command: a wait would outlast that.
    let stored = await handle.info();
    if (flags.wait) {
      await ended(handle, timeout);
      stored = await handle.info();
    }
    // Not stored: that it has been told to stop, and still runs.
    const state = isReady(stored?.state ?? "PENDING") ? (stored as StoredResult).state : await handle.state();
    print(context.output, stored?.document ?? { task_id: id, status: state }, () =>
      [
        facts([["id", id], ["state", state], ...rowsOf(stored, state)]),
        ...(flags.traceback && stored?.traceback ? [stored.traceback.trimEnd()] : []),
      ].join("\n"),
    );
    return state === "SUCCESS" ? 0 : 1;
  } finally {
    await app.close();
  }
};

/** However it ended: what is stored says so. */
async function ended(handle: AsyncResult, timeoutSeconds: number | undefined): Promise<void> {
  try {
    await handle.get(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 });
  } catch (error) {
    if (!isLovageError(error)) throw error;
    if (error.code === "LOVAGE_WAIT_TIMEOUT") throw (await handle.info()) === undefined ? nothingStored(handle.id, timeoutSeconds) : error;
    if (error.name === "BrokerUnavailableError") throw error;
  }
}

const mayBe = "not started, expired, or never sent";

const nothingStored = (id: string, seconds = 0): WaitTimeoutError =>
  new WaitTimeoutError("LOVAGE_WAIT_TIMEOUT", `Nothing is stored under the id ${id} after ${seconds} s: ${mayBe}.`);

function rowsOf(stored: StoredResult | undefined, state: string): (readonly [string, string])[] {
  if (stored === undefined && state === "CANCELLING") return [];
  if (stored === undefined) return [["note", `nothing is stored under this id: ${mayBe}`]];
  const done = stored.dateDone === null ? [] : [["done", stored.dateDone] as const];
  return [[stored.state === "FAILURE" || stored.state === "RETRY" ? "error" : "result", textOf(stored)], ...done];
}

/** A failure's document is Celery's record of the exception. */
function textOf({ state, result }: StoredResult): string {
  const { exc_type, exc_message } = (result ?? {}) as { readonly exc_type?: unknown; readonly exc_message?: unknown };
  if (state === "SUCCESS" || typeof exc_type !== "string") return asJson(result);
  const [first] = Array.isArray(exc_message) ? exc_message : [exc_message];
  return first === undefined || first === "" ? exc_type : `${exc_type}: ${typeof first === "string" ? first : asJson(first)}`;
}
