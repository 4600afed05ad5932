/** `lovage serve -A MODULE`: the job service of the module's `jobs` export, on a port of its own. */
import { loadApp } from "../../app/load-app.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { startJobService } from "../dev/job-service.ts";
import { portOf } from "../flags.ts";
import { print } from "../output.ts";
import { aborted, listenForStop } from "../stop-signals.ts";

export const examples: CommandModule["examples"] = [
  "lovage serve -A app.ts --port 8000",
  "lovage serve -A app.ts --host 0.0.0.0 --port 8000",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("--host <address>", "address to listen on; there is no login, so mind who can reach it", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0: any that is free", "8000");

export const run: CommandModule["run"] = async (context, _args, flags: { readonly host: string; readonly port: string }) => {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage serve needs -A MODULE: the module that exports `jobs`.");
  const port = portOf(flags.port);
  const stop = listenForStop();
  const loaded = await loadApp(context.appModule, { flags: context.settings });
  try {
    const serving = await startJobService({
      loaded,
      host: flags.host,
      port,
      onError: (error, correlationId) =>
        context.output.error(`request ${correlationId} failed: ${error instanceof Error ? error.message : String(error)}`),
    });
    context.serving();
    print(context.output, { url: serving.url }, () => `Job service listens on ${serving.url}`);
    await aborted(stop.asked);
    await serving.close(stop.insisted);
    return 0;
  } finally {
    await loaded.app.close();
  }
};
