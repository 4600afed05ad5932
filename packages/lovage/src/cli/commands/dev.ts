/** `lovage dev -A MODULE`: a node per profile and the job service, on the app's store, until Ctrl-C. Prints URLs and pids. */
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { startDevFleet } from "../dev/dev-fleet.ts";
import { numberOf } from "../flags.ts";

export const define: CommandModule["define"] = (command) =>
  command
    .option("--host <address>", "address of the job service", "127.0.0.1")
    .option("--port <number>", "port of the job service; 0: any that is free", "8000")
    .option("-l, --loglevel <level>", "debug, info, warn, error", "info");

export const run: CommandModule["run"] = async (context, _args, options: DevOptions) => {
  if (context.appModule === undefined) throw new UsageError("LOVAGE_USAGE", "lovage dev needs -A MODULE.");
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  const fleet = await startDevFleet({
    appModule: context.appModule,
    host: options.host ?? "127.0.0.1",
    port: numberOf("--port", options.port ?? "8000"),
    logLevel: options.loglevel ?? "info",
    ...(options.broker === undefined ? {} : { broker: options.broker }),
    onLine: (name, line) => context.output.write(`${name.padEnd(8)} ${line}`),
    onStarted: (name, pid) => context.output.write(`${name.padEnd(8)} supervisor has pid ${pid}`),
  });
  context.output.write(
    fleet.url === null
      ? "Ready. Ctrl-C stops everything."
      : [
          "",
          `Ready. Ctrl-C stops everything.`,
          `  upload   curl -F file=@photo.jpg ${fleet.url}/upload`,
          `  status   ${fleet.url}/status/<job id>`,
          `  stats    ${fleet.url}/stats`,
          `  health   ${fleet.url}/health`,
          `  pids     npx lovage status --json -A ${context.appModule}`,
          "",
        ].join("\n"),
  );
  await stopped;
  await fleet.stop(10_000);
  return 0;
};

interface DevOptions {
  readonly host?: string;
  readonly port?: string;
  readonly loglevel?: string;
  readonly broker?: string;
}
