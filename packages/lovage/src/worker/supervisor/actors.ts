/**
 * The actors of a node, and who knows whom; what each of them does stands in its own file. They find each other through the object
 * they are put into, so that it does not matter which of them is made first.
 */
import { availableParallelism } from "node:os";
import type { Service } from "../../kernel/service.ts";
import type { Epoch } from "../../message/commit.ts";
import { peekHeaders } from "../../message/decode.ts";
import { sharesProcess } from "../../pool/pools.ts";
import { localMachine } from "../../upkeep/machine.ts";
import { Promoter } from "../../upkeep/promoter.ts";
import { Reaper } from "../../upkeep/reaper.ts";
import { exitCodes } from "../exit-codes.ts";
import { TaskLog } from "../task-log.ts";
import { Autoscaler } from "./autoscaler.ts";
import { BlockedLoops } from "./blocked-loops.ts";
import { CancelNotes } from "./cancel-notes.ts";
import { Canceller } from "./canceller.ts";
import { Health } from "./health.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { Limits } from "./limits.ts";
import { MemoryLimit } from "./memory-limit.ts";
import { RemoteControl } from "./node/remote-control.ts";
import { nodeInfo } from "./node-info.ts";
import { NodeReporter } from "./node-reporter.ts";
import { PausedQueues } from "./paused-queues.ts";
import { type ListeningActors, poolListener } from "./pool-listener.ts";
import { PoolSize } from "./pool-size.ts";
import { Quarantine } from "./quarantine.ts";
import { Readiness } from "./readiness.ts";
import { Recycler } from "./recycler.ts";
import { RunnerPool } from "./runner-pool.ts";
import { nodeServices } from "./services.ts";
import { Settler } from "./settler.ts";
import { Shutdown } from "./shutdown.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { Waker } from "./waker.ts";
import { Workload } from "./workload.ts";

export interface Actors extends ListeningActors {
  readonly pool: RunnerPool;
  readonly size: PoolSize;
  readonly autoscaler: Autoscaler | null;
  readonly workload: Workload;
  readonly settler: Settler;
  readonly quarantine: Quarantine;
  readonly reaper: Reaper;
  readonly promoter: Promoter;
  readonly health: Health;
  /** Started after the leases, stopped before them. */
  readonly services: readonly Service[];
}

/** What they are told by the node itself. */
export interface Context extends SupervisorOptions {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  stop(mode: "warm" | "cold"): void;
  stopServices(mode: "warm" | "cold"): Promise<void>;
}

type Making = { -readonly [Name in keyof Actors]: Actors[Name] };

export function makeActors(context: Context): Actors {
  const { store, host, plan, nodeName, queues, clock, log, app } = context;
  const actors = {} as Making;
  const pool = () => actors.pool;
  const held = (epoch: Epoch) => store.leases.held(epoch);
  const { slots } = plan;
  const { canKill } = host;
  actors.log = log;
  const sends = (task: string) => app.registry.get(task)?.settings.sendEvents ?? true;
  actors.reporter = new NodeReporter({ ...context, members: () => actors.pool.members, sends });
  actors.figures = actors.reporter.figures;
  actors.readiness = new Readiness(plan.runners);
  actors.quarantine = newQuarantine(context, actors);
  actors.settler = newSettler(context, actors);
  actors.reaper = newReaper(context, actors);
  actors.leases = newLeaseKeeper(context, actors);
  actors.pool = newRunnerPool(context, actors);
  actors.promoter = new Promoter({ leases: store.leases, clock, log });
  actors.workload = new Workload({ pool, broker: store.broker, queues: () => actors.remote.queues.taken });
  actors.size = new PoolSize({ pool, plan, log, onChanged: () => actors.leases.changed() });
  actors.autoscaler = context.autoscale && newAutoscaler(context.autoscale, context, actors);
  actors.waker = new Waker({ queues, wake: (names, signal) => store.leases.wake(names, signal), clock, log });
  actors.limits = new Limits({ pool, slots, canKill, log, end: (...of) => actors.settler.endRunning(...of) });
  actors.memoryLimit = new MemoryLimit({ pool, canKill, log });
  actors.blockedLoops = new BlockedLoops({ log, held });
  actors.canceller = newCanceller(context, actors);
  actors.recycler = new Recycler({ pool, slots, log });
  actors.remote = newRemote(context, actors);
  actors.health = new Health({
    nodeName,
    clock,
    members: () => actors.pool.members,
    queues: () => actors.remote.queues.names,
    openSlots: () => actors.size.openSlots,
    storeAnsweredAt: () => actors.leases.answeredAt,
    draining: () => actors.shutdown.stopping,
  });
  actors.services = newServices(context, actors);
  actors.shutdown = newShutdown(context, actors);
  return actors;
}

/** What changes while the node runs is taken as it is when the runner starts. */
function specOf({ spec, startedAt }: Context, actors: Actors) {
  return { ...spec, nodeStartedAt: startedAt, changedLimits: actors.remote.limitChanges.all, wantsEvents: actors.reporter.wanted };
}

function newRunnerPool(context: Context, actors: Actors): RunnerPool {
  const { host, plan, clock, log } = context;
  return new RunnerPool({
    host,
    runners: plan.runners,
    clock,
    log,
    specFor: (epoch) => ({ ...specOf(context, actors), epoch, openSlots: actors.size.openSlots, queues: actors.remote.queues.taken }),
    open: (epoch) => actors.leases.open(epoch),
    settle: (departed) => actors.settler.departed(departed),
    listener: poolListener(() => actors),
  });
}

const alone = { slots: 1, prefetch: 1, queues: [], openSlots: 1, ownBell: false, maxTasks: null, alone: true };

function newQuarantine(context: Context, actors: Actors): Quarantine {
  const { store, plan, clock, log } = context;
  return new Quarantine({
    leases: store.leases,
    open: (epoch) => actors.leases.open(epoch),
    run: (epoch) => actors.pool.runAlone({ ...specOf(context, actors), ...alone, epoch }),
    lanes: Math.min(plan.concurrency, availableParallelism()),
    clock,
    log,
  });
}

function newSettler({ app, store, nodeName, plan, spec, clock, log }: Context, actors: Actors): Settler {
  const taskLog = new TaskLog(log, app.config.workerTaskLog);
  return new Settler({
    app,
    store,
    nodeName,
    slots: plan.slots,
    prefetch: spec.prefetch,
    ...(sharesProcess(plan) && { quarantine: (from, suspects) => actors.quarantine.take(from, suspects) }),
    onApplied: ({ rules: { ending } }) => {
      if (ending === undefined) return;
      actors.reporter.ended(ending);
      taskLog.ended(ending.message, ending.outcome, ending.runtimeMs);
    },
    clock,
    log,
  });
}

function newReaper({ store, clock, log }: Context, actors: Actors): Reaper {
  return new Reaper({
    leases: store.leases,
    clock,
    log,
    self: null,
    machine: localMachine(),
    lookEveryMs: null,
    settle: (epoch, deliveries) => actors.settler.settleLost(epoch, deliveries),
  });
}

function newLeaseKeeper(context: Context, actors: Actors): LeaseKeeper {
  const { store, nodeName, clock, log } = context;
  return new LeaseKeeper({
    leases: store.leases,
    clock,
    log,
    nodeName,
    info: () => infoOf(context, actors),
    words: () => actors.reporter.words(),
    onBeat: ({ heard, ...fleet }) => {
      actors.reporter.beaten(heard);
      void actors.reaper.see({ ...fleet, nodes: fleet.nodes.filter(({ info }) => info.id !== actors.leases.nodeId) });
    },
    // Their epochs are closed: nothing they do counts. New ones start under the node's new id.
    onFenced: async () => void (await Promise.all(actors.pool.members.map((member) => actors.pool.kill(member, "fenced")))),
    onLeft: (epochs) => actors.settler.settleLeft(epochs),
  });
}

function infoOf({ plan, app, nodeName, startedAt }: Context, actors: Actors) {
  const { names: queues } = actors.remote.queues;
  const { members } = actors.pool;
  return nodeInfo({ nodeName, pool: plan.pool, slots: actors.size.capacity, queues, tasks: app.registry.names(), startedAt, members });
}

function newCanceller({ app, store, host, plan, clock, log }: Context, actors: Actors): Canceller {
  return new Canceller({
    pool: () => actors.pool,
    slots: plan.slots,
    canKill: host.canKill,
    revokes: store.revokes,
    bus: store.bus,
    notes: new CancelNotes({ state: () => app.state(), log }),
    clock,
    log,
    held: (epoch) => store.leases.held(epoch),
    revocable: ({ bytes }) => peekHeaders(bytes) ?? { id: null, rootId: null, stamps: {} },
  });
}

function newAutoscaler({ keepAliveMs, ...range }: NonNullable<Context["autoscale"]>, { clock, log }: Context, actors: Actors): Autoscaler {
  return new Autoscaler({ range, keepAliveMs, size: actors.size, workload: actors.workload, clock, log });
}

function newRemote(context: Context, actors: Actors): RemoteControl {
  const { app, store, plan, nodeName, spec, queues, startedAt, stop, clock, log } = context;
  const { size, autoscaler, reporter } = actors;
  const { maxTasks, prefetch } = spec;
  return new RemoteControl({
    ...{ app, store, plan, nodeName, maxTasks, prefetch, queues, startedAt, clock, log },
    ...{ size, autoscaler, reporter },
    pool: () => actors.pool,
    onQueues: (taken) => {
      actors.waker.listenTo(taken);
      actors.leases.changed();
    },
    onLimits: () => actors.promoter.kick(0),
    recycle: () => actors.recycler.all(),
    shutdown: () => {
      log.info("shutdown.by-control");
      stop("warm");
    },
  });
}

function newServices(context: Context, actors: Actors): readonly Service[] {
  const { app, store, host, probed, clock, log } = context;
  const { promoter, workload, health, autoscaler } = actors;
  const plain = nodeServices({
    ...{ app, store, promoter, workload, health, clock, log },
    pool: () => actors.pool,
    waker: () => actors.waker,
    canKill: host.canKill,
    giveUp: () => void actors.shutdown.cold(exitCodes.gaveUpConsuming),
  });
  const pauses = new PausedQueues({
    state: store.state,
    bus: store.bus,
    clock,
    log,
    onLook: (paused) => actors.remote.queues.pause(paused),
  });
  const services: Service[] = [pauses, actors.canceller, actors.remote.mailbox, ...plain, ...actors.reporter.services];
  if (autoscaler !== null) services.push(autoscaler.service);
  if (probed) services.push(health);
  return services;
}

function newShutdown({ shutdownTimeoutMs, softShutdownMs, stopServices, clock, log }: Context, actors: Actors): Shutdown {
  return new Shutdown({
    pool: () => actors.pool,
    clock,
    log,
    deadlineMs: shutdownTimeoutMs,
    softMs: softShutdownMs,
    stopIntake: () => actors.waker.stop(),
    stopServices,
    busy: () => actors.workload.busy(),
    storeAnsweredAt: () => actors.leases.answeredAt,
  });
}
