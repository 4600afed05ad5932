/** argv in, exit code out: what a command throws becomes one line with a code, and an exit code that means something. */
import { CommanderError } from "commander";
import { isLovageError } from "../kernel/errors.ts";
import { exitCodes } from "../worker/exit-codes.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import type { Output } from "./output.ts";
import { createProgram } from "./program.ts";

/** What the user's module left open (a pool, a timer) must not keep a finished command alive; milliseconds to end by itself. */
const lingerMs = 500;

export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", readerGone);
  // A command that waits for a store which is away has nothing else that keeps the process.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  process.exitCode = await runCli(argv.slice(2), {
    json: false,
    columns: Math.min(process.stdout.columns ?? 100, 120),
    write: (text) => process.stdout.write(`${text}\n`),
    error: (text) => process.stderr.write(`${text}\n`),
  });
  clearInterval(keepAlive);
  setTimeout(() => process.exit(), lingerMs).unref();
}

export async function runCli(args: readonly string[], sink: Output): Promise<number> {
  try {
    return await (await createProgram(args, sink)).run(args);
  } catch (error) {
    return report(error, sink);
  }
}

function report(error: unknown, sink: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (!isLovageError(error)) {
    sink.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.failed;
  }
  sink.error(`${error.message} [${error.code}]`);
  return exitCodeOf(error);
}

/** `lovage report | head` closes our output before its end; a worker whose log reader is gone goes on working. */
function readerGone(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
