/** From an app and options to a running worker node. Checks all that can be checked before anything is started. */
import type { App } from "../app/app.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { ConfigError, UsageError } from "../kernel/errors.ts";
import { createLogger, type LogFormat, type Logger, type LogLevel } from "../kernel/logger.ts";
import type { QueueName } from "../message/task-message.ts";
import { type PoolPlan, planPool } from "../pool/pools.ts";
import type { StartRunner } from "../pool/runner-entry.ts";
import type { Store, StoreReport } from "../store/store.ts";
import { openHost } from "./adapters.ts";
import type { ExitCode } from "./exit-codes.ts";
import { openProbes, type ProbesOptions } from "./health/probes.ts";
import { expandNodeName, expandNodePath } from "./node-name.ts";
import { startRunner } from "./runner/runner.ts";
import { listenToSignals } from "./signals.ts";
import { Supervisor } from "./supervisor/supervisor.ts";

export interface WorkerOptions {
  /** Path of the module whose default export is the app; runners load it. Not needed for the pool `inline`. */
  readonly appModule?: string;
  /** Settings of the command line; runners get them too. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** @celery -P, worker_pool @defaultValue the app's `workerPool` */
  readonly pool?: string;
  /** @celery -c, worker_concurrency @defaultValue the app's `workerConcurrency`, then the pool's own */
  readonly concurrency?: number;
  /**
   * Instead of a concurrency: between `max` and `min` tasks at a time, by what waits. What was not needed for `keepAliveMs`
   * (30 s) goes. @celery --autoscale
   */
  readonly autoscale?: { readonly max: number; readonly min: number; readonly keepAliveMs?: number };
  /** Runner processes of the pool `async`. @defaultValue 1 */
  readonly processes?: number;
  /** @celery -Q @defaultValue the app's `taskQueues`, then its `taskDefaultQueue` */
  readonly queues?: readonly QueueName[];
  /** @celery -X */
  readonly excludeQueues?: readonly QueueName[];
  /** @celery -n @defaultValue `celery@%h` */
  readonly name?: string;
  /** Deliveries per slot, the running one included. @celery worker_prefetch_multiplier */
  readonly prefetchMultiplier?: number;
  /** @celery --max-tasks-per-child */
  readonly maxTasksPerChild?: number;
  /** KiB. @celery --max-memory-per-child */
  readonly maxMemoryPerChild?: number;
  /** KiB. A runner above it is ended in the middle of its task. @defaultValue the app's `workerHardMemoryPerChild` */
  readonly hardMemoryPerChild?: number;
  /** Seconds, or text with a unit. @celery --time-limit */
  readonly timeLimit?: number | string;
  /** Seconds, or text with a unit. @celery --soft-time-limit */
  readonly softTimeLimit?: number | string;
  /** Milliseconds after which a warm stop turns cold; null: it waits. @defaultValue the app's `workerShutdownTimeout` */
  readonly shutdownTimeoutMs?: number | null;
  /** Milliseconds that what runs gets to finish before a cold stop. @defaultValue the app's `workerSoftShutdownTimeout` */
  readonly softShutdownMs?: number;
  /** `CUDA_VISIBLE_DEVICES` of the runners, one each, round and round. */
  readonly gpus?: readonly string[];
  /** Say what becomes of tasks, as far as anybody listens. @celery -E @defaultValue the app's `workerSendTaskEvents` */
  readonly taskEvents?: boolean;
  /** Say to Celery's monitors that the node is there. @celery --without-heartbeat @defaultValue true */
  readonly heartbeats?: boolean;
  /** Of `GET /livez` and `GET /readyz`; 0: any that is free, null: none. @defaultValue the app's `workerHealthPort` */
  readonly healthPort?: number | null;
  /** @defaultValue the app's `workerHealthHost` */
  readonly healthHost?: string;
  /** Rewritten every 2 s with what `/readyz` says. @defaultValue the app's `workerHealthFile` */
  readonly healthFile?: string | null;
  /** Start also where a full Redis would drop queues. @defaultValue the setting */
  readonly allowEviction?: boolean;
  /** SIGTERM and SIGINT stop warm, the second of them and SIGQUIT cold. @defaultValue false */
  readonly signals?: boolean;
  /** SIGTERM stops cold like SIGQUIT. @celery REMAP_SIGTERM=SIGQUIT in the environment @defaultValue false */
  readonly termIsQuit?: boolean;
  readonly logLevel?: LogLevel | "silent";
  readonly logFormat?: LogFormat;
  /**
   * Appended to, in place of stderr; `%n`, `%h` and `%d` are the node's name, its host and domain, `%p` all of it.
   * @celery -f, --logfile
   */
  readonly logFile?: string;
  /** Instead of one made of `logLevel`, `logFormat` and `logFile`, for the supervisor's own lines. */
  readonly log?: Logger;
  readonly clock?: Clock;
}

export interface WorkerHandle {
  /** All runners are ready. Rejects when none can be, or when it is stopped before. */
  readonly ready: Promise<void>;
  /** Never rejects. The app is not closed: its opener does that. */
  readonly exitCode: Promise<ExitCode>;
  readonly nodeName: string;
  readonly queues: readonly QueueName[];
  readonly pool: PoolPlan;
  /** Where probes ask; null: there is no port for them. */
  readonly healthUrl: string | null;
  /** Warm: finish what runs. Asked again, or "cold": give it back and end within about 2 s. */
  stop(mode: "warm" | "cold"): Promise<ExitCode>;
  /** Of the runners' processes. */
  pids(): readonly number[];
}

/**
 * @throws {UsageError} exit code 64. @throws {ConfigError} 78. @throws {BrokerUnavailableError} 69: the store does not answer at the start.
 */
export async function startWorker(app: App, options: WorkerOptions = {}): Promise<WorkerHandle> {
  const flags = limitFlags(options);
  if (Object.keys(flags).length > 0) app.configure(flags);
  const plan = planOf(app, options);
  const queues = queuesOf(app, options);
  const appModule = moduleOf(options, plan);
  const nodeName = expandNodeName(options.name);
  const logSettings = {
    level: options.logLevel ?? "info",
    format: options.logFormat ?? "line",
    file: logFileOf(options, nodeName),
  } as const;
  const log = options.log ?? createLogger({ ...logSettings, fields: { node: nodeName } });
  const clock = options.clock ?? systemClock;
  const store = await app.store();
  requireSafe(store, await store.ping(app.config.deadlineMs), options.allowEviction ?? app.config.allowEviction);
  requireShared(store, plan);
  app.logFaults(log);
  const { config } = app;
  const probed = probesOf(config, options);
  const supervisor = new Supervisor({
    app,
    store,
    host: await openHost(plan.host, { start: inlineStart(app, store, log, clock), gpus: options.gpus ?? [] }),
    plan,
    nodeName,
    queues,
    spec: {
      appModule,
      settings: { ...options.settings, ...flags },
      nodeName,
      queues,
      slots: plan.slots,
      ownBell: plan.runners === 1 && options.autoscale === undefined,
      prefetch: options.prefetchMultiplier ?? config.workerPrefetchMultiplier,
      maxTasks: options.maxTasksPerChild ?? config.workerMaxTasksPerChild,
      maxMemoryBytes: kibibytes(options.maxMemoryPerChild ?? config.workerMaxMemoryPerChild),
      hardMemoryBytes: kibibytes(options.hardMemoryPerChild ?? config.workerHardMemoryPerChild),
      log: logSettings,
    },
    taskEvents: options.taskEvents ?? config.workerSendTaskEvents,
    heartbeats: options.heartbeats ?? true,
    autoscale: options.autoscale === undefined ? null : { keepAliveMs: 30_000, ...options.autoscale },
    shutdownTimeoutMs: options.shutdownTimeoutMs === undefined ? ms(config.workerShutdownTimeout) : options.shutdownTimeoutMs,
    softShutdownMs: options.softShutdownMs ?? config.workerSoftShutdownTimeout * 1000,
    probed: probed.port !== null || probed.file !== null,
    clock,
    log,
  });
  const probes = await openProbes(probed, { clock, log, report: () => supervisor.health.report() });
  void supervisor.exitCode.then(() => probes.close());
  const unlisten = options.signals ? listenToSignals((mode) => supervisor.stop(mode), options.termIsQuit ?? false) : () => {};
  void supervisor.exitCode.then(unlisten);
  try {
    await supervisor.start();
  } catch (error) {
    unlisten();
    await probes.close();
    throw error;
  }
  return {
    ready: supervisor.ready,
    exitCode: supervisor.exitCode,
    nodeName,
    queues,
    pool: plan,
    healthUrl: probes.url,
    pids: () => supervisor.pids(),
    stop(mode) {
      supervisor.stop(mode);
      return supervisor.exitCode;
    },
  };
}

const logFileOf = ({ logFile }: WorkerOptions, nodeName: string) => (logFile === undefined ? null : expandNodePath(logFile, nodeName));

const kibibytes = (count: number | null): number | null => (count === null ? null : count * 1024);
const ms = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);

const probesOf = (config: App["config"], options: WorkerOptions): ProbesOptions => ({
  port: options.healthPort === undefined ? config.workerHealthPort : options.healthPort,
  host: options.healthHost ?? config.workerHealthHost,
  file: options.healthFile === undefined ? config.workerHealthFile : options.healthFile,
});

function limitFlags({ timeLimit, softTimeLimit }: WorkerOptions): Readonly<Record<string, unknown>> {
  return {
    ...(timeLimit !== undefined && { taskTimeLimit: timeLimit }),
    ...(softTimeLimit !== undefined && { taskSoftTimeLimit: softTimeLimit }),
  };
}

function planOf(app: App, options: WorkerOptions): PoolPlan {
  const concurrency = options.concurrency ?? app.config.workerConcurrency ?? undefined;
  return planPool({
    pool: options.pool ?? app.config.workerPool,
    ...(concurrency !== undefined && { concurrency }),
    ...(options.processes !== undefined && { processes: options.processes }),
    ...(options.autoscale !== undefined && { autoscale: options.autoscale }),
  });
}

function queuesOf(app: App, { queues, excludeQueues = [] }: WorkerOptions): readonly QueueName[] {
  const { taskQueues, taskDefaultQueue } = app.config;
  const wanted = queues ?? taskQueues ?? [taskDefaultQueue];
  const left = [...new Set(wanted)].filter((queue) => !excludeQueues.includes(queue));
  if (left.length > 0) return left;
  throw new UsageError(
    "LOVAGE_NO_QUEUES",
    `There is no queue to consume: ${wanted.join(", ") || "none"} without ${excludeQueues.join(", ") || "any"}. Name at least one with -Q.`,
    { details: { queues: wanted, excludeQueues } },
  );
}

function moduleOf({ appModule }: WorkerOptions, plan: PoolPlan): string {
  if (appModule !== undefined) return appModule;
  if (plan.host === "inline") return "";
  throw new UsageError(
    "LOVAGE_APP_MODULE_MISSING",
    `Runners of the pool "${plan.pool}" load the app themselves: give the path of its module as \`appModule\` (-A).`,
    { details: { pool: plan.pool } },
  );
}

function requireSafe({ name }: Store, { findings }: StoreReport, allowEviction: boolean): void {
  const fatal = findings.find(({ level }) => level === "fatal");
  if (fatal === undefined || allowEviction) return;
  throw new ConfigError(
    "LOVAGE_STORE_EVICTS",
    `${name} is not safe for a queue: ${fatal.message} To start all the same: --allow-eviction, or the setting allowEviction.`,
    { details: { store: name } },
  );
}

function requireShared(store: Store, plan: PoolPlan): void {
  if (store.broker.features.shared || plan.host === "inline") return;
  throw new ConfigError(
    "LOVAGE_STORE_NOT_SHARED",
    `The store ${store.name} lives inside one process, and runners of the pool "${plan.pool}" are in others: use -P inline, or a sqlite: or redis: broker.`,
    { details: { store: store.name, pool: plan.pool } },
  );
}

/** The pool `inline` shares app and store with its supervisor. */
function inlineStart(app: App, store: Store, log: Logger, clock: Clock): StartRunner {
  return ({ spec, slots, shared, send }) => startRunner({ app, store, spec, slots, revokeMemory: shared, send, log, clock });
}
