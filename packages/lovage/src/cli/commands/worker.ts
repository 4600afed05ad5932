/** `lovage worker -A MODULE …`: a worker node in this process, with Celery's flags. Prints what it serves, then `NODE ready.` */
import type { Command } from "commander";
import { loadApp } from "../../app/load-app.ts";
import { ConfigError, UsageError } from "../../kernel/errors.ts";
import type { LogLevel } from "../../kernel/logger.ts";
import { startWorker, type WorkerHandle, type WorkerOptions } from "../../worker/start-worker.ts";
import type { CommandContext } from "../command.ts";
import { durationOf, listOf, numberOf } from "../flags.ts";
import { table } from "../output.ts";

export const define = (command: Command): Command =>
  command
    .option("-P, --pool <pool>", "async, processes, threads, solo or inline (gevent, eventlet, prefork are accepted)")
    .option("-c, --concurrency <number>", "tasks at a time")
    .option("--processes <number>", "runner processes of the pool async")
    .option("-Q, --queues <queues>", "queues to consume, separated by commas")
    .option("-X, --exclude-queues <queues>", "queues not to consume")
    .option("-n, --hostname <name>", "name of the node; %h, %n and %d are the host, its first part and its domain")
    .option("-l, --loglevel <level>", "debug, info, warning, error", "info")
    .option("--log-format <format>", "line or json", "line")
    .option("--prefetch-multiplier <number>", "deliveries per slot, the running one included")
    .option("--max-tasks-per-child <number>", "replace a runner after so many tasks")
    .option("--max-memory-per-child <KiB>", "replace a runner above this size, between tasks")
    .option("--time-limit <seconds>", "hard limit of tasks that have none")
    .option("--soft-time-limit <seconds>", "soft limit of tasks that have none")
    .option("--shutdown-timeout <seconds>", "a warm stop turns cold after this time")
    .option("--gpu <devices>", "CUDA_VISIBLE_DEVICES of the runners, separated by commas, one each")
    .option("--profile <name>", "take options from the app's profile of this name; flags win")
    .option("-O <mode>", "accepted for Celery's sake: tasks are always handed out fairly")
    .option("--without-gossip", "accepted for Celery's sake: there is none")
    .option("--without-mingle", "accepted for Celery's sake: there is none")
    .option("--without-heartbeat", "accepted for Celery's sake: presence is not optional");

interface WorkerFlags {
  readonly broker?: string;
  readonly pool?: string;
  readonly concurrency?: string;
  readonly processes?: string;
  readonly queues?: string;
  readonly excludeQueues?: string;
  readonly hostname?: string;
  readonly loglevel?: string;
  readonly logFormat?: string;
  readonly prefetchMultiplier?: string;
  readonly maxTasksPerChild?: string;
  readonly maxMemoryPerChild?: string;
  readonly timeLimit?: string;
  readonly softTimeLimit?: string;
  readonly shutdownTimeout?: string;
  readonly gpu?: string;
  readonly profile?: string;
}

export async function run(context: CommandContext, _args: readonly string[], flags: WorkerFlags): Promise<number> {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage worker needs -A MODULE: the module whose default export is the app.");
  const settings = flags.broker === undefined ? {} : { broker: flags.broker };
  const { app, path } = await loadApp(context.appModule, { flags: settings });
  try {
    const profile = flags.profile === undefined ? {} : profileOf(app.config.profiles, flags.profile);
    const worker = await startWorker(app, { ...profile, ...optionsOf(flags), appModule: path, settings, signals: true });
    worker.ready.then(
      () => context.output.write(`${worker.nodeName} ready.`),
      () => {}, // what kept it from being ready is its exit code and its last log line
    );
    context.output.write(banner(worker, app.config.name, (await app.store()).name));
    return await worker.exitCode;
  } finally {
    await app.close();
  }
}

function optionsOf(flags: WorkerFlags): WorkerOptions {
  const timeout = numberOf("--shutdown-timeout", flags.shutdownTimeout);
  const options: { [K in keyof WorkerOptions]: WorkerOptions[K] | undefined } = {
    pool: flags.pool,
    concurrency: numberOf("-c", flags.concurrency),
    processes: numberOf("--processes", flags.processes),
    queues: listOf("-Q", flags.queues),
    excludeQueues: listOf("-X", flags.excludeQueues),
    name: flags.hostname,
    prefetchMultiplier: numberOf("--prefetch-multiplier", flags.prefetchMultiplier),
    maxTasksPerChild: numberOf("--max-tasks-per-child", flags.maxTasksPerChild),
    maxMemoryPerChild: numberOf("--max-memory-per-child", flags.maxMemoryPerChild),
    timeLimit: durationOf(flags.timeLimit),
    softTimeLimit: durationOf(flags.softTimeLimit),
    gpus: listOf("--gpu", flags.gpu),
    logLevel: logLevelOf(flags.loglevel ?? "info"),
    logFormat: flags.logFormat === "json" ? "json" : "line",
    shutdownTimeoutMs: timeout === undefined ? undefined : timeout * 1000,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as WorkerOptions;
}

const profileKeys = [
  "pool",
  "concurrency",
  "processes",
  "queues",
  "excludeQueues",
  "prefetchMultiplier",
  "maxTasksPerChild",
  "maxMemoryPerChild",
  "timeLimit",
  "softTimeLimit",
  "shutdownTimeoutMs",
  "gpus",
] as const satisfies readonly (keyof WorkerOptions)[];

/** @throws {ConfigError} for a name the app has no profile of, and for a key that is no option of a worker. */
function profileOf(profiles: Readonly<Record<string, unknown>>, name: string): WorkerOptions {
  const profile = profiles[name];
  if (typeof profile !== "object" || profile === null) {
    throw new ConfigError(
      "LOVAGE_PROFILE_UNKNOWN",
      `The app has no profile "${name}"; it has: ${Object.keys(profiles).join(", ") || "none"}.`,
    );
  }
  const unknown = Object.keys(profile).filter((key) => !(profileKeys as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new ConfigError(
      "LOVAGE_PROFILE_INVALID",
      `The profile "${name}" has ${unknown.join(", ")}; a profile may have ${profileKeys.join(", ")}.`,
    );
  }
  return profile as WorkerOptions;
}

function logLevelOf(text: string): LogLevel {
  const levels: Readonly<Record<string, LogLevel>> = {
    debug: "debug",
    info: "info",
    warn: "warn",
    warning: "warn",
    error: "error",
    critical: "error",
    fatal: "error",
  };
  const level = levels[text.toLowerCase()];
  if (level) return level;
  throw new UsageError("LOVAGE_USAGE", `-l takes debug, info, warning or error, got "${text}".`);
}

function banner(worker: WorkerHandle, app: string, store: string): string {
  const { pool } = worker;
  return table(
    ["", ""],
    [
      ["node", worker.nodeName],
      ["app", app],
      ["store", store],
      ["pool", `${pool.pool}: ${pool.runners} runner(s) of ${pool.slots} slot(s)`],
      ["queues", worker.queues.join(", ")],
      ["pid", String(process.pid)],
    ],
  ).trimStart();
}
