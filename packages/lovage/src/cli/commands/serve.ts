/** `lovage serve -A MODULE`: the job service of the module's `jobs` export, on a port of its own. */
import { loadApp } from "../../app/load-app.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { startJobService } from "../dev/job-service.ts";
import { numberOf } from "../flags.ts";

export const define: CommandModule["define"] = (command) =>
  command
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0: any that is free", "8000");

export const run: CommandModule["run"] = async (
  context,
  _args,
  options: { readonly host?: string; readonly port?: string; readonly broker?: string },
) => {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage serve needs -A MODULE: the module that exports `jobs`.");
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  const loaded = await loadApp(context.appModule, { flags: options.broker === undefined ? {} : { broker: options.broker } });
  const serving = await startJobService({
    loaded,
    host: options.host ?? "127.0.0.1",
    port: numberOf("--port", options.port ?? "8000"),
    onError: (error, correlationId) =>
      context.output.error(`request ${correlationId} failed: ${error instanceof Error ? error.message : String(error)}`),
  });
  context.output.write(context.output.json ? JSON.stringify({ url: serving.url }) : `Job service listens on ${serving.url}`);
  await stopped;
  await serving.close();
  await loaded.app.close();
  return 0;
};
