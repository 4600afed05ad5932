/** What a node says about itself: statistics, settings, a report. From the supervisor's own knowledge and its runners' watchdogs. */
import os from "node:os";
import type { App } from "../../../app/app.ts";
import type { NodeFacts } from "../../../control/node-view.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { maskSecrets } from "../../../kernel/mask-secrets.ts";
import { version } from "../../../kernel/version.ts";
import type { PoolPlan } from "../../../pool/pools.ts";
import type { Autoscaler } from "../autoscaler.ts";
import type { Member } from "../member.ts";
import type { PoolSize } from "../pool-size.ts";
import type { TaskTotals } from "../task-totals.ts";
import { brokerInfo } from "./broker-info.ts";
import { nodeSettings } from "./node-settings.ts";
import { poolInfo } from "./pool-info.ts";

export interface NodeFactsOptions {
  readonly app: App;
  readonly plan: PoolPlan;
  readonly size: PoolSize;
  readonly autoscaler: Autoscaler | null;
  readonly totals: TaskTotals;
  members(): readonly Member[];
  readonly prefetch: number;
  readonly maxTasks: number | null;
  readonly clock: Clock;
  readonly startedAt: number;
}

/** Milliseconds for a watchdog to answer. */
const askWithinMs = 500;

export function nodeFacts(options: NodeFactsOptions): NodeFacts {
  const { app } = options;
  return {
    stats: () => statsOf(options),
    settings: ({ withDefaults }) => nodeSettings(app.config, withDefaults),
    report: () => reportOf(app),
    memory: () => process.memoryUsage.rss(),
  };
}

async function statsOf(options: NodeFactsOptions): Promise<Readonly<Record<string, unknown>>> {
  const { app, plan, size, autoscaler, totals, members, prefetch, maxTasks, clock, startedAt } = options;
  const lasting = members().filter(({ alone }) => !alone);
  const slots = await Promise.all(lasting.map(({ runner }) => runner.slots(askWithinMs).catch(() => null)));
  const running = slots.reduce((sum, one) => sum + (one?.taken.length ?? 0), 0);
  return {
    total: totals.byTask(),
    pid: process.pid,
    uptime: Math.round((clock.now() - startedAt) / 1000),
    pool: poolInfo({
      plan,
      capacity: size.capacity,
      pids: [...new Set(lasting.flatMap(({ runner }) => runner.pid ?? []))],
      runners: lasting.length,
      maxTasks,
      limits: { soft: app.config.taskSoftTimeLimit, hard: app.config.taskTimeLimit },
      begun: slots.map((one) => (one === null ? 0 : one.tasksDone + one.taken.length)),
      busyRunners: slots.filter((one) => one === null || one.taken.length > 0).length,
    }),
    ...(autoscaler !== null && { autoscaler: { ...autoscaler.range, current: size.capacity, qty: running } }),
    broker: brokerInfo(app.config.broker),
    prefetch_count: size.capacity * prefetch,
    rusage: resourceUsage(),
  };
}

/** By the names of Python's `resource` module; times in seconds. */
function resourceUsage(): Readonly<Record<string, number>> {
  const used = process.resourceUsage();
  return {
    utime: used.userCPUTime / 1e6,
    stime: used.systemCPUTime / 1e6,
    maxrss: used.maxRSS,
    ixrss: used.sharedMemorySize,
    idrss: used.unsharedDataSize,
    isrss: used.unsharedStackSize,
    minflt: used.minorPageFault,
    majflt: used.majorPageFault,
    nswap: used.swappedOut,
    inblock: used.fsRead,
    oublock: used.fsWrite,
    msgsnd: used.ipcSent,
    msgrcv: used.ipcReceived,
    nsignals: used.signalsCount,
    nvcsw: used.voluntaryContextSwitches,
    nivcsw: used.involuntaryContextSwitches,
  };
}

async function reportOf(app: App): Promise<string> {
  const { config } = app;
  const store = await app.store();
  const { server, durability } = await store.ping(config.deadlineMs);
  const set = config.described().filter(({ source }) => source !== "default");
  return [
    "",
    `software -> lovage:${version()} node:${process.versions.node} v8:${process.versions.v8}`,
    `platform -> system:${os.type()} arch:${os.arch()} kernel version:${os.release()}`,
    `store    -> ${store.name} (${server}), ${durability}`,
    `settings -> app:${app.name} broker:${maskSecrets(config.broker)}`,
    "",
    ...set.map(({ name, value, source }) => `${name}: ${JSON.stringify(value) ?? String(value)} (${source})`),
    "",
  ].join("\n");
}
