/**
 * What user code prints becomes log lines with the facts of the run that printed it (Celery's `worker_redirect_stdouts`): the async
 * context tells which, among thousands. Only what goes through `process.stdout` and `process.stderr` of this thread is seen,
 * as of `console.log`; what a native part writes to its descriptor is not.
 */
import { StringDecoder } from "node:string_decoder";
import { tryCurrentRun } from "../../execution/current-run.ts";
import type { Logger } from "../../kernel/logger.ts";
import { runFacts } from "../../task/run-facts.ts";

const levels = { stdout: "info", stderr: "warn" } as const;

/** The logger must not write through these streams itself. */
export function redirectOutput(log: Logger): void {
  for (const stream of ["stdout", "stderr"] as const) {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    const say = (text: string) => {
      const run = tryCurrentRun();
      log[levels[stream]]("task.output", { ...(run && runFacts(run.message)), stream, text });
    };
    process[stream].write = ((chunk: string | Uint8Array, encoding?: unknown, written?: unknown) => {
      const lines = (rest + (typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk)))).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") say(line);
      const callback = typeof encoding === "function" ? encoding : written;
      if (typeof callback === "function") process.nextTick(callback as () => void);
      return true;
    }) as typeof process.stdout.write;
  }
}
