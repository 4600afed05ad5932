/** argv in, exit code out. One file per command in `commands/`; each is loaded only when it is asked for. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { isLovageError } from "../kernel/errors.ts";
import { exitCodes } from "../worker/exit-codes.ts";
import type { CommandContext, CommandModule } from "./command.ts";
import type { Output } from "./output.ts";

const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<CommandModule> }>> = {
  worker: { summary: "run a worker node", load: () => import("./commands/worker.ts") },
  dev: { summary: "run workers and the job service together, on this machine", load: () => import("./commands/dev.ts") },
  serve: { summary: "run the job service", load: () => import("./commands/serve.ts") },
  call: { summary: "send a task by name and print its id, or wait for its result", load: () => import("./commands/call.ts") },
  result: { summary: "print the state and the result of a task", load: () => import("./commands/result.ts") },
  status: { summary: "list the nodes that are up", load: () => import("./commands/status.ts") },
  purge: { summary: "remove waiting messages from queues", load: () => import("./commands/purge.ts") },
  report: { summary: "print versions, store and settings", load: () => import("./commands/report.ts") },
};

/** Sets `process.exitCode`; never exits by itself, so that output is flushed. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exitCode = await runCli(argv.slice(2), {
    json: false,
    write: (text) => process.stdout.write(`${text}\n`),
    error: (text) => process.stderr.write(`${text}\n`),
  });
}

export async function runCli(args: readonly string[], sink: Output): Promise<number> {
  const program = new Command("lovage")
    .description("A distributed task queue that speaks Celery's wire protocol.")
    .version(version())
    .exitOverride();
  program
    .option("-A, --app <module>", "module whose default export is an app (.ts or .js)")
    .option("-b, --broker <url>", "store to use instead of the app's");
  program.configureOutput({ writeOut: (text) => sink.write(text.trimEnd()), writeErr: (text) => sink.error(text.trimEnd()) });
  let exitCode = 0;
  const wanted = args.find((arg, i) => !arg.startsWith("-") && !["-A", "--app", "-b", "--broker"].includes(args[i - 1] ?? ""));
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary).exitOverride();
    command.configureOutput({ writeOut: (text) => sink.write(text.trimEnd()), writeErr: (text) => sink.error(text.trimEnd()) });
    if (name !== wanted) continue;
    const module = await load();
    module
      .define(command)
      // Celery's users write `-A` on either side of the command.
      .option("-A, --app <module>", "module whose default export is an app (.ts or .js)")
      .option("-b, --broker <url>", "store to use instead of the app's")
      .option("--json", "print JSON")
      .action(async () => {
        const options = { ...program.opts(), ...command.opts() } as Record<string, never>;
        exitCode = await module.run(contextOf(options, sink), command.args, options);
      });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, sink);
  }
}

function contextOf(options: { readonly app?: string; readonly broker?: string; readonly json?: boolean }, sink: Output): CommandContext {
  const output = { ...sink, json: options.json ?? false };
  return {
    output,
    appModule: options.app,
    async loadApp() {
      const { loadCommandApp } = await import("./load-command-app.ts");
      return loadCommandApp(options.app, options.broker);
    },
  };
}

function report(error: unknown, sink: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (!isLovageError(error)) {
    sink.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.failed;
  }
  sink.error(`${error.message} [${error.code}]`);
  const byClass: Readonly<Record<string, number>> = {
    UsageError: exitCodes.usage,
    ConfigError: exitCodes.configuration,
    BrokerUnavailableError: exitCodes.brokerUnreachable,
  };
  return byClass[error.name] ?? exitCodes.failed;
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
