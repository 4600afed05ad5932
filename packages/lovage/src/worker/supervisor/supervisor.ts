/**
 * A worker node: one supervisor and its runners. This file only ties the actors together and passes words between them; each job
 * has its own file. No user code runs here, so nothing that a task does holds up heartbeats, limits, cancel or control.
 */
import { availableParallelism } from "node:os";
import type { App } from "../../app/app.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { peekHeaders } from "../../message/decode.ts";
import type { QueueName } from "../../message/task-message.ts";
import { type PoolPlan, sharesProcess } from "../../pool/pools.ts";
import type { RunnerSpec } from "../../pool/protocol.ts";
import type { RunnerHost } from "../../pool/runner-host.ts";
import type { Store } from "../../store/store.ts";
import { localMachine } from "../../upkeep/machine.ts";
import { Promoter } from "../../upkeep/promoter.ts";
import { Reaper } from "../../upkeep/reaper.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { TaskLog } from "../task-log.ts";
import { Autoscaler, type ScaleRange } from "./autoscaler.ts";
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
import { Waker } from "./waker.ts";
import { Workload } from "./workload.ts";

export interface SupervisorOptions {
  readonly app: App;
  readonly store: Store;
  readonly host: RunnerHost;
  readonly plan: PoolPlan;
  readonly nodeName: string;
  readonly queues: readonly QueueName[];
  /** Of each runner; what changes is added. */
  readonly spec: Omit<RunnerSpec, "epoch" | "openSlots" | "changedLimits" | "wantsEvents" | "nodeStartedAt">;
  /** Runners say what becomes of tasks, as far as anybody listens. */
  readonly taskEvents: boolean;
  /** The node says every 2 s that it is there, to Celery's monitors. */
  readonly heartbeats: boolean;
  readonly autoscale: (ScaleRange & { readonly keepAliveMs: number }) | null;
  readonly shutdownTimeoutMs: number | null;
  readonly softShutdownMs: number;
  /** Somebody probes it. */
  readonly probed: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Supervisor {
  readonly exitCode: Promise<ExitCode>;
  readonly nodeName: string;
  readonly health: Health;
  readonly #options: SupervisorOptions;
  readonly #pool: RunnerPool;
  readonly #workload: Workload;
  readonly #promoter: Promoter;
  readonly #size: PoolSize;
  readonly #autoscaler: Autoscaler | null;
  readonly #leases: LeaseKeeper;
  readonly #waker: Waker;
  readonly #limits: Limits;
  readonly #blockedLoops: BlockedLoops;
  readonly #memoryLimit: MemoryLimit;
  readonly #canceller: Canceller;
  readonly #recycler: Recycler;
  readonly #settler: Settler;
  readonly #quarantine: Quarantine;
  readonly #reaper: Reaper;
  readonly #remote: RemoteControl;
  readonly #shutdown: Shutdown;
  /** Started after the leases, stopped before them. */
  readonly #services: Service[];
  readonly #startedAt: number;
  readonly #readiness: Readiness;
  readonly #reporter: NodeReporter;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    const { store, host, plan, nodeName, queues, clock, log, app } = options;
    this.#options = options;
    this.nodeName = nodeName;
    this.#startedAt = clock.now();
    const sends = (task: string) => app.registry.get(task)?.settings.sendEvents ?? true;
    this.#reporter = new NodeReporter({ ...options, startedAt: this.#startedAt, members: () => this.#pool.members, sends });
    const spec = { ...options.spec, nodeStartedAt: this.#startedAt };
    this.#readiness = new Readiness(plan.runners);
    const pool = () => this.#pool;
    const held = (epoch: string) => store.leases.held(epoch);
    this.#quarantine = new Quarantine({
      leases: store.leases,
      open: (epoch) => this.#leases.open(epoch),
      run: (epoch) =>
        this.#pool.runAlone({
          ...spec,
          epoch,
          slots: 1,
          prefetch: 1,
          queues: [],
          openSlots: 1,
          ownBell: false,
          maxTasks: null,
          alone: true,
          wantsEvents: this.#reporter.wanted,
          changedLimits: this.#remote.limitChanges.all,
        }),
      lanes: Math.min(plan.concurrency, availableParallelism()),
      clock,
      log,
    });
    const taskLog = new TaskLog(log, app.config.workerTaskLog);
    this.#settler = new Settler({
      app,
      store,
      nodeName,
      slots: plan.slots,
      prefetch: spec.prefetch,
      ...(sharesProcess(plan) && { quarantine: (from, suspects) => this.#quarantine.take(from, suspects) }),
      onApplied: ({ rules: { ending } }) => {
        if (ending === undefined) return;
        this.#reporter.ended(ending);
        taskLog.ended(ending.message, ending.outcome, ending.runtimeMs);
      },
      clock,
      log,
    });
    this.#reaper = new Reaper({
      leases: store.leases,
      clock,
      log,
      self: null,
      machine: localMachine(),
      lookEveryMs: null,
      settle: (epoch, deliveries) => this.#settler.settleLost(epoch, deliveries),
    });
    this.#leases = new LeaseKeeper({
      leases: store.leases,
      clock,
      log,
      nodeName,
      info: () => this.#info(),
      words: () => this.#reporter.words(),
      onBeat: ({ heard, ...fleet }) => {
        this.#reporter.beaten(heard);
        void this.#reaper.see({ ...fleet, nodes: fleet.nodes.filter(({ info }) => info.id !== this.#leases.nodeId) });
      },
      onFenced: () => this.#killAll(),
      onLeft: (epochs) => this.#settler.settleLeft(epochs),
    });
    this.#pool = new RunnerPool({
      host,
      runners: plan.runners,
      clock,
      log,
      specFor: (epoch) => ({
        ...spec,
        epoch,
        openSlots: this.#size.openSlots,
        queues: this.#remote.queues.taken,
        changedLimits: this.#remote.limitChanges.all,
        wantsEvents: this.#reporter.wanted,
      }),
      open: (epoch) => this.#leases.open(epoch),
      settle: (departed) => this.#settler.departed(departed),
      listener: poolListener(() => this.#listening),
    });
    this.#promoter = new Promoter({ leases: store.leases, clock, log });
    this.#workload = new Workload({ pool, broker: store.broker, queues: () => this.#remote.queues.taken });
    this.#size = new PoolSize({ pool, plan, log, onChanged: () => this.#leases.changed() });
    this.#autoscaler = options.autoscale === null ? null : this.#newAutoscaler(options.autoscale);
    this.#waker = new Waker({ queues, wake: (names, signal) => store.leases.wake(names, signal), clock, log });
    this.#limits = new Limits({
      pool,
      slots: plan.slots,
      canKill: host.canKill,
      log,
      end: (epoch, number, outcome) => this.#settler.endRunning(epoch, number, outcome),
    });
    this.#memoryLimit = new MemoryLimit({ pool, canKill: host.canKill, log });
    this.#blockedLoops = new BlockedLoops({ log, held });
    this.#canceller = new Canceller({
      pool,
      slots: plan.slots,
      canKill: host.canKill,
      revokes: store.revokes,
      bus: store.bus,
      notes: new CancelNotes({ state: () => app.state(), log }),
      clock,
      log,
      held,
      revocable: ({ bytes }) => peekHeaders(bytes) ?? { id: null, rootId: null, stamps: {} },
    });
    this.#recycler = new Recycler({ pool, slots: plan.slots, log });
    this.#remote = this.#newRemote();
    this.health = new Health({
      nodeName,
      clock,
      members: () => this.#pool.members,
      openSlots: () => this.#size.openSlots,
      storeAnsweredAt: () => this.#leases.answeredAt,
      draining: () => this.#shutdown.stopping,
    });
    const giveUp = () => void this.#shutdown.cold(exitCodes.gaveUpConsuming);
    const { health } = this;
    const plain = {
      app,
      store,
      pool,
      promoter: this.#promoter,
      workload: this.#workload,
      waker: () => this.#waker,
      health,
      canKill: host.canKill,
      giveUp,
      clock,
      log,
    };
    const pauses = new PausedQueues({
      state: store.state,
      bus: store.bus,
      clock,
      log,
      onLook: (paused) => this.#remote.queues.pause(paused),
    });
    this.#services = [pauses, this.#canceller, this.#remote.mailbox, ...nodeServices(plain)];
    if (this.#autoscaler !== null) this.#services.push(this.#autoscaler.service);
    this.#services.push(...this.#reporter.services);
    if (options.probed) this.#services.push(this.health);
    this.#shutdown = new Shutdown({
      pool,
      clock,
      log,
      deadlineMs: options.shutdownTimeoutMs,
      softMs: options.softShutdownMs,
      stopIntake: () => this.#waker.stop(),
      stopServices: (mode) => this.#stopServices(mode),
      busy: () => this.#workload.busy(),
      storeAnsweredAt: () => this.#leases.answeredAt,
    });
    this.exitCode = this.#shutdown.ended;
  }

  /** Resolves when all runners are ready; rejects when none can be. */
  get ready(): Promise<void> {
    return this.#readiness.ready;
  }

  /** @throws {BrokerUnavailableError} when the store does not take the node's announcement. */
  async start(): Promise<void> {
    // Timers of clocks do not keep a process alive; a node without runners for a moment must not end.
    this.#keepAlive = setInterval(() => {}, 2 ** 30);
    try {
      await this.#leases.start();
    } catch (error) {
      clearInterval(this.#keepAlive);
      throw error;
    }
    for (const service of this.#services) await service.start();
    this.#pool.start();
    if (!this.#options.spec.ownBell) await this.#waker.start();
  }

  /** Warm the first time; a second wish, or "cold", ends at once. */
  stop(mode: "warm" | "cold"): void {
    if (!this.#shutdown.stopping) this.#readiness.stopped();
    this.#shutdown.request(mode);
  }

  pids(): readonly number[] {
    return [...new Set(this.#pool.members.flatMap(({ runner }) => (runner.pid === null ? [] : [runner.pid])))];
  }

  get #listening(): ListeningActors {
    return {
      readiness: this.#readiness,
      leases: this.#leases,
      waker: this.#waker,
      limits: this.#limits,
      blockedLoops: this.#blockedLoops,
      memoryLimit: this.#memoryLimit,
      canceller: this.#canceller,
      recycler: this.#recycler,
      shutdown: this.#shutdown,
      figures: this.#reporter.figures,
      reporter: this.#reporter,
      remote: this.#remote,
      log: this.#options.log,
    };
  }

  #info() {
    const { plan, app, nodeName } = this.#options;
    const queues = this.#remote.queues.names;
    const { members } = this.#pool;
    const { capacity: slots } = this.#size;
    return nodeInfo({ nodeName, pool: plan.pool, slots, queues, tasks: app.registry.names(), startedAt: this.#startedAt, members });
  }

  /** Their epochs are closed: nothing they do counts. New ones start under the node's new id. */
  async #killAll(): Promise<void> {
    await Promise.all(this.#pool.members.map((member) => this.#pool.kill(member, "fenced")));
  }

  #newRemote(): RemoteControl {
    const { app, store, plan, nodeName, spec, queues, clock, log } = this.#options;
    const { maxTasks, prefetch } = spec;
    return new RemoteControl({
      ...{ app, store, plan, nodeName, maxTasks, prefetch, queues, clock, log },
      pool: () => this.#pool,
      size: this.#size,
      autoscaler: this.#autoscaler,
      reporter: this.#reporter,
      startedAt: this.#startedAt,
      onQueues: (taken) => {
        this.#waker.listenTo(taken);
        this.#leases.changed();
      },
      onLimits: () => this.#promoter.kick(0),
      recycle: () => this.#recycler.all(),
      shutdown: () => {
        log.info("shutdown.by-control");
        this.stop("warm");
      },
    });
  }

  #newAutoscaler({ keepAliveMs, ...range }: ScaleRange & { readonly keepAliveMs: number }): Autoscaler {
    const { clock, log } = this.#options;
    return new Autoscaler({ range, keepAliveMs, size: this.#size, workload: this.#workload, clock, log });
  }

  async #stopServices(mode: "warm" | "cold"): Promise<void> {
    const how = { mode, graceMs: 1000 };
    this.#quarantine.stop();
    this.#settler.stop();
    // Said first: a service that waits for a silent store may take longer than the node has.
    const left = this.#settler.unsettled;
    if (left.length > 0)
      this.#options.log.error("shutdown.left", {
        runners: left.length,
        deliveries: left.reduce((sum, { held }) => sum + held, 0),
        remedy: "they stay in flight in the store; the next node to start gives them back to their queues",
      });
    await Promise.all(this.#services.map((service) => service.stop(how)));
    await this.#options.host.close();
    try {
      await this.#leases.stop(how);
      await this.#reaper.stop(how);
    } finally {
      clearInterval(this.#keepAlive);
    }
  }
}
