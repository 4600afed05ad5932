/** `lovage worker -A MODULE …`: a worker node in this process, with Celery's flags. Prints what it serves, then `NODE ready.` */
import { loadApp } from "../../app/load-app.ts";
import { UsageError } from "../../kernel/errors.ts";
import { startWorker, type WorkerHandle } from "../../worker/start-worker.ts";
import type { CommandModule } from "../command.ts";
import { facts } from "../output.ts";
import { defineWorkerFlags, type WorkerFlags, workerOptionsOf } from "../worker/worker-flags.ts";
import { profileOf } from "../worker/worker-profile.ts";

export const examples: CommandModule["examples"] = [
  "lovage worker -A app.ts",
  "lovage worker -A app.ts -Q cpu -P processes -c 4 --time-limit 5m",
  "lovage worker -A app.ts -Q gpu_queue_0 -P solo --gpu 0 -n gpu@%h",
  "lovage worker -A app.ts --profile io -l debug",
];

export const define: CommandModule["define"] = defineWorkerFlags;

export const run: CommandModule["run"] = async (context, _args, flags: WorkerFlags) => {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage worker needs -A MODULE: the module whose default export is the app.");
  const options = workerOptionsOf(flags);
  const { settings, output } = context;
  const { app, path } = await loadApp(context.appModule, { flags: settings });
  try {
    const profile = flags.profile === undefined ? {} : profileOf(app.config.profiles, flags.profile);
    const termIsQuit = process.env.REMAP_SIGTERM === "SIGQUIT";
    const worker = await startWorker(app, { ...profile, ...options, appModule: path, settings, signals: true, termIsQuit });
    context.serving();
    if (flags.untilStdinEnds) stopWithStdin(worker);
    output.write(banner(worker, app.config.name, (await app.store()).name));
    worker.ready.then(
      () => output.write(`${worker.nodeName} ready.`),
      () => {}, // what kept it from being ready is its exit code and its last log line
    );
    return await worker.exitCode;
  } finally {
    await app.close();
  }
};

function banner({ nodeName, pool, queues, healthUrl }: WorkerHandle, app: string, store: string): string {
  return facts([
    ["node", nodeName],
    ["app", app],
    ["store", store],
    ["pool", `${pool.pool}: ${pool.runners} runner${pool.runners === 1 ? "" : "s"} of ${pool.slots} slot${pool.slots === 1 ? "" : "s"}`],
    ["queues", queues.join(", ")],
    ["pid", String(process.pid)],
    ...(healthUrl === null ? [] : [["health", healthUrl] as const]),
  ]);
}

/** Nobody is left to ask twice: what still runs after this is given back. */
const orphanedMs = 10_000;

/** Whoever holds the other end of our input wants us to end with it, however that is. */
function stopWithStdin(worker: WorkerHandle): void {
  const stop = () => {
    void worker.stop("warm");
    setTimeout(() => void worker.stop("cold"), orphanedMs).unref();
  };
  process.stdin
    .on("error", () => {})
    .once("close", stop)
    .resume();
  // Its waiting for an end must not keep a node that has stopped.
  void worker.exitCode.then(() => process.stdin.off("close", stop).destroy());
}
