/** The flags of `lovage worker`, in Celery's words where Celery has them, and what they mean as options of a worker. */
import { type Command, Option } from "commander";
import { UsageError } from "../../kernel/errors.ts";
import type { LogLevel } from "../../kernel/logger.ts";
import type { WorkerOptions } from "../../worker/start-worker.ts";
import { durationOf, listOf, millisecondsOf, numberOf, wholeOf } from "../flags.ts";

export interface WorkerFlags {
  readonly pool?: string;
  readonly concurrency?: string;
  readonly autoscale?: string;
  readonly processes?: string;
  readonly queues?: string;
  readonly excludeQueues?: string;
  readonly hostname?: string;
  readonly loglevel: string;
  readonly logfile?: string;
  readonly logFormat: "line" | "json";
  readonly prefetchMultiplier?: string;
  readonly maxTasksPerChild?: string;
  readonly maxMemoryPerChild?: string;
  readonly hardMemoryPerChild?: string;
  readonly timeLimit?: string;
  readonly softTimeLimit?: string;
  readonly shutdownTimeout?: string;
  readonly taskEvents?: true;
  readonly withoutHeartbeat?: true;
  readonly healthPort?: string;
  readonly healthHost?: string;
  readonly healthFile?: string;
  readonly allowEviction?: boolean;
  readonly gpu?: string;
  readonly profile?: string;
  readonly untilStdinEnds?: true;
}

/** Celery's flags that would change nothing here: accepted, so that a command line can be taken over. */
const withoutEffect = [
  ["-O <mode>", "tasks are always handed out fairly"],
  ["--without-gossip", "no-op, there is none"],
  ["--without-mingle", "no-op, there is none"],
] as const;

/** Celery's flags that would change something, and cannot yet: refused with what to do instead. */
const refused: readonly (readonly [flags: string, name: string, instead: string])[] = [
  ["-B, --beat", "beat", "There is no scheduler yet: start `celery beat` beside this node, it may share the broker."],
  ["-D, --detach", "detach", "A node stays in the foreground: let systemd, a container or `&` put it in the background."],
  ["--pidfile <file>", "pidfile", "Pids are in `lovage status --json`; an init system knows its own."],
  ["--purge", "purge", "Use `lovage purge -Q …` before the node is started."],
];

export function defineWorkerFlags(command: Command): Command {
  command
    .option("-P, --pool <pool>", "async, processes, threads, solo or inline (gevent, eventlet, prefork are accepted)")
    .option("-c, --concurrency <number>", "tasks at a time")
    .option("--autoscale <max,min>", "grow up to max tasks at a time while messages wait, and shrink to min when idle")
    .option("--processes <number>", "runner processes of the pool async")
    .option("-Q, --queues <queues>", "queues to consume, separated by commas")
    .option("-X, --exclude-queues <queues>", "queues not to consume")
    .option("-n, --hostname <name>", "name of the node; %h, %n and %d are the host, its first part and its domain")
    .option("-l, --loglevel <level>", "debug, info, warning, error", "info")
    .option("-f, --logfile <file>", "append the log to this file; %n, %h and %d are the node's name, host and domain")
    .addOption(new Option("--log-format <format>", "how lines of the log look").choices(["line", "json"]).default("line"))
    .option("--prefetch-multiplier <number>", "deliveries per slot, the running one included")
    .option("--max-tasks-per-child <number>", "replace a runner after so many tasks")
    .option("--max-memory-per-child <KiB>", "replace a runner above this size, between tasks")
    .option("--hard-memory-per-child <KiB>", "end a runner above this size, in the middle of its task")
    .option("--time-limit <seconds>", "hard limit of tasks that have none; text with a unit too: 5m")
    .option("--soft-time-limit <seconds>", "soft limit of tasks that have none")
    .option("--shutdown-timeout <seconds>", "a warm stop gives back what still runs after this time (25); text with a unit too: 5m")
    .option("-E, --task-events", "say what becomes of tasks to whoever listens: celery events, Flower, app.events")
    .option("--without-heartbeat", "do not say to Celery's monitors that the node is there")
    .option("--health-port <port>", "serve GET /livez and GET /readyz; 0: any port that is free")
    .option("--health-host <address>", "where --health-port is opened (127.0.0.1)")
    .option("--health-file <path>", "rewrite this file every 2 s with what /readyz says")
    .option("--gpu <devices>", "CUDA_VISIBLE_DEVICES of the runners, separated by commas, one each")
    .option("--allow-eviction", "start also on a Redis that drops queues when it is full")
    .option("--profile <name>", "take options from the app's profile of this name; flags win");
  for (const [flags, why] of withoutEffect) command.option(flags, `accepted for Celery's sake: ${why}`);
  for (const [flags] of refused) command.addOption(new Option(flags).hideHelp());
  // Of `lovage dev`, for its nodes.
  return command.addOption(new Option("--until-stdin-ends").hideHelp());
}

export function workerOptionsOf(flags: WorkerFlags): WorkerOptions {
  refuseUnsupported(flags);
  const options: { [K in keyof WorkerOptions]: WorkerOptions[K] | undefined } = {
    pool: flags.pool,
    concurrency: wholeOf("-c", flags.concurrency),
    autoscale: scaleOf(flags.autoscale),
    processes: wholeOf("--processes", flags.processes),
    queues: listOf("-Q", flags.queues),
    excludeQueues: listOf("-X", flags.excludeQueues),
    name: flags.hostname,
    prefetchMultiplier: wholeOf("--prefetch-multiplier", flags.prefetchMultiplier),
    maxTasksPerChild: wholeOf("--max-tasks-per-child", flags.maxTasksPerChild),
    maxMemoryPerChild: wholeOf("--max-memory-per-child", flags.maxMemoryPerChild),
    hardMemoryPerChild: wholeOf("--hard-memory-per-child", flags.hardMemoryPerChild),
    timeLimit: durationOf("--time-limit", flags.timeLimit),
    softTimeLimit: durationOf("--soft-time-limit", flags.softTimeLimit),
    gpus: listOf("--gpu", flags.gpu),
    taskEvents: flags.taskEvents,
    heartbeats: flags.withoutHeartbeat === true ? false : undefined,
    allowEviction: flags.allowEviction,
    logLevel: logLevelOf(flags.loglevel),
    logFormat: flags.logFormat,
    logFile: flags.logfile,
    healthPort: wholeOf("--health-port", flags.healthPort, 0, 65_535),
    healthHost: flags.healthHost,
    healthFile: flags.healthFile,
    shutdownTimeoutMs: millisecondsOf("--shutdown-timeout", flags.shutdownTimeout),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as WorkerOptions;
}

function refuseUnsupported(flags: WorkerFlags): void {
  const found = refused.find(([, name]) => name in flags);
  if (found) throw new UsageError("LOVAGE_FLAG_UNSUPPORTED", `Celery's flag ${found[0]} is not taken. ${found[2]}`);
}

/** Celery's form; AUTOSCALE_KEEPALIVE is Celery's too: seconds until what is idle goes. */
function scaleOf(text: string | undefined): WorkerOptions["autoscale"] {
  if (text === undefined) return undefined;
  const [max, min = "0", ...more] = text.split(",");
  if (more.length > 0) throw new UsageError("LOVAGE_USAGE", `--autoscale takes max,min, got "${text}".`);
  const keepAlive = numberOf("AUTOSCALE_KEEPALIVE", process.env.AUTOSCALE_KEEPALIVE);
  const range = { max: wholeOf("--autoscale", max ?? ""), min: wholeOf("--autoscale", min, 0) };
  return keepAlive === undefined ? range : { ...range, keepAliveMs: keepAlive * 1000 };
}

const levels: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  critical: "error",
  fatal: "error",
};

export function logLevelOf(text: string): LogLevel {
  const level = levels[text.toLowerCase()];
  if (level) return level;
  throw new UsageError("LOVAGE_USAGE", `-l takes debug, info, warning or error, got "${text}".`);
}
