/** `lovage dev -A MODULE`: a node per profile and the job service, on the app's store, until Ctrl-C. Prints URLs and pids. */

import { UsageError } from "../../kernel/errors.ts";
import { maskSecrets } from "../../kernel/mask-secrets.ts";
import type { CommandModule } from "../command.ts";
import { type DevFleet, startDevFleet } from "../dev/dev-fleet.ts";
import type { JobDoor } from "../dev/job-service.ts";
import { portOf } from "../flags.ts";
import { aborted, listenForStop } from "../stop-signals.ts";

/** Milliseconds that running tasks get to end before they are given back. */
const graceMs = 10_000;

export const examples: CommandModule["examples"] = ["lovage dev -A app.ts", "lovage dev -A app.ts --port 0 -b redis://localhost/0"];

export const define: CommandModule["define"] = (command) =>
  command
    .option("--host <address>", "address of the job service", "127.0.0.1")
    .option("--port <number>", "port of the job service; 0: any that is free", "8000")
    .option("-l, --loglevel <level>", "debug, info, warning, error", "info");

interface DevFlags {
  readonly host: string;
  readonly port: string;
  readonly loglevel: string;
  readonly broker?: string;
}

export const run: CommandModule["run"] = async ({ appModule, output }, _args, flags: DevFlags) => {
  if (appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage dev needs -A MODULE: the module whose default export is the app.");
  const port = portOf(flags.port);
  const stop = listenForStop();
  let fleet: DevFleet;
  try {
    fleet = await startDevFleet({
      appModule,
      host: flags.host,
      port,
      logLevel: flags.loglevel,
      signal: stop.asked,
      ...(flags.broker === undefined ? {} : { broker: flags.broker }),
      onLine: (name, line) => output.write(`${name.padEnd(8)} ${line}`),
      onStarted: (name, pid) => output.write(`${name.padEnd(8)} supervisor has pid ${pid}`),
    });
  } catch (error) {
    if (stop.asked.aborted) return 0;
    throw error;
  }
  output.write(welcome(fleet.doors, appModule, flags.broker));
  await aborted(stop.asked);
  output.write("Stopping: running tasks are finished first. Once more stops at once.");
  await fleet.stop(graceMs, stop.insisted);
  return 0;
};

function welcome(doors: readonly JobDoor[], appModule: string, broker: string | undefined): string {
  const lines = [
    ...doors.flatMap(linesOf),
    `  pids     npx lovage status --json -A ${appModule}${broker === undefined ? "" : ` -b ${maskSecrets(broker)}`}`,
  ];
  return ["", "Ready. Ctrl-C stops everything.", ...lines, ""].join("\n");
}

function linesOf({ url, uploadUrl, needsKey, needsToken }: JobDoor): readonly string[] {
  const key = needsKey ? '-H "X-API-Key: <key>" ' : "";
  const token = needsToken ? 'curl -H "Authorization: Bearer <access_token>" ' : "";
  return [
    `  upload   curl ${key}-F file=@FILE ${uploadUrl}`,
    `  status   ${token}${url}/status/<job id>`,
    `  stats    ${url}/stats`,
    `  health   ${url}/health`,
  ];
}
