/** `lovage serve -A MODULE`: the job service of the module's `jobs` export, on a port of its own. */
import { loadApp } from "../../app/load-app.ts";
import { UsageError } from "../../kernel/errors.ts";
import { createLogger } from "../../kernel/logger.ts";
import type { CommandModule } from "../command.ts";
import { startJobService } from "../dev/job-service.ts";
import { portOf } from "../flags.ts";
import { print } from "../output.ts";
import { aborted, listenForStop } from "../stop-signals.ts";
import { logLevelOf } from "../worker/worker-flags.ts";

export const examples: CommandModule["examples"] = [
  "lovage serve -A app.ts --port 8000",
  "lovage serve -A app.ts --host 0.0.0.0 --port 8000",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("--host <address>", "address to listen on; without API keys there is no login, so mind who can reach it", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0: any that is free", "8000")
    .option("-l, --loglevel <level>", "of the audit log on stderr: info, warning (refusals only), error", "error");

interface ServeFlags {
  readonly host: string;
  readonly port: string;
  readonly loglevel: string;
}

export const run: CommandModule["run"] = async (context, _args, flags: ServeFlags) => {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage serve needs -A MODULE: the module that exports `jobs`.");
  const port = portOf(flags.port);
  const log = createLogger({ level: logLevelOf(flags.loglevel) });
  const stop = listenForStop();
  const loaded = await loadApp(context.appModule, { flags: context.settings });
  try {
    const serving = await startJobService({
      loaded,
      host: flags.host,
      port,
      log,
      onError: (error, what) => context.output.error(`${what} failed: ${error instanceof Error ? error.message : String(error)}`),
    });
    context.serving();
    print(context.output, { url: serving.url, urls: serving.urls }, () => listening(serving.url, serving.urls));
    await aborted(stop.asked);
    await serving.close(stop.insisted);
    return 0;
  } finally {
    await loaded.app.close();
  }
};

const listening = (url: string, urls: readonly string[]) =>
  [`Job service listens on ${url}`, ...urls.filter((each) => each !== url).map((each) => `  ${each}`)].join("\n");
