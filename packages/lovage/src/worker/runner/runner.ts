/**
 * A runner: reserves messages, runs them, commits their outcomes. The same in a child process, a thread, and inline. This
 * file ties its actors together and follows the supervisor's words; it neither spawns nor kills, renews no lease, and keeps
 * no timer per task. Who does what: `Wire` talks to the broker, `Fetcher` says how many, `Intake` checks and queues,
 * `Runs` runs, `Committer` keeps outcomes until the store has them.
 */
import type { App } from "../../app/app.ts";
import type { Reserved } from "../../broker/broker.ts";
import { busEvents } from "../../events/event-link.ts";
import { tryCurrentRun } from "../../execution/current-run.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { whoBlocks } from "../../pool/blocking-code.ts";
import type { FromRunner, RunnerSpec, ToRunner } from "../../pool/protocol.ts";
import type { RunnerPort } from "../../pool/runner-entry.ts";
import { type AbortFlag, monotonicMs, type SlotTable } from "../../pool/slot-table.ts";
import type { Store } from "../../store/store.ts";
import { runFacts } from "../../task/run-facts.ts";
import { failure } from "../../upkeep/ended-outcomes.ts";
import { idleLookMs, Promoter } from "../../upkeep/promoter.ts";
import { TaskLog } from "../task-log.ts";
import { Admission } from "./admission.ts";
import { Committer } from "./committer.ts";
import { demandFacts } from "./demands.ts";
import { Ending } from "./ending.ts";
import { Fetcher } from "./fetcher.ts";
import { type Held, Holdings } from "./held.ts";
import { Intake } from "./intake.ts";
import { KnownElsewhere } from "./known-elsewhere.ts";
import { Marker } from "./marker.ts";
import { NodeLimits } from "./node-limits.ts";
import { OwnBell } from "./own-bell.ts";
import { runOwnCommand } from "./own-command.ts";
import { ProgressLog } from "./progress-log.ts";
import { Reconciler } from "./reconciler.ts";
import { Recycling } from "./recycling.ts";
import { RevokeList } from "./revoke-list.ts";
import type { Run, RunServices } from "./run.ts";
import { type RunEnd, Runs, runSettings } from "./runs.ts";
import { Settler } from "./settler.ts";
import { Slots } from "./slots.ts";
import { watchStrayErrors } from "./stray-errors.ts";
import { TaskCounts } from "./task-counts.ts";
import { TaskReporter } from "./task-reporter.ts";
import { Wire } from "./wire.ts";

/** Milliseconds until a message is tried again whose limits cannot be asked: somebody has to mend a key first. */
const putOffMs = 60_000;

export interface RunnerOptions {
  readonly app: App;
  readonly store: Store;
  readonly spec: RunnerSpec;
  readonly slots: SlotTable;
  send(message: FromRunner): void;
  readonly log: Logger;
  readonly clock: Clock;
  /** What the runners of its process know of revokes. @defaultValue its own */
  readonly revokeMemory?: SharedArrayBuffer;
  /** What `maxMemoryBytes` is compared with. @defaultValue RSS of the process */
  readonly memoryBytes?: () => number;
  /**
   * The process, or thread, is the runner's alone: errors that user code lets fall are caught and told apart, and what cannot
   * be told ends it. @defaultValue false
   */
  readonly ownsProcess?: boolean;
}

export interface RunnerHandle extends RunnerPort {
  /** Aborts a run with this reason. `number` is a delivery's. */
  abort(number: number, reason: AbortFlag): void;
}

/** Resolves when the runner is `ready`, or has `failed`. Never rejects. */
export async function startRunner(options: RunnerOptions): Promise<RunnerHandle> {
  const runner = new Runner(options);
  await runner.start();
  return runner;
}

class Runner implements RunnerHandle {
  readonly #options: RunnerOptions;
  readonly #holdings = new Holdings();
  readonly #changedLimits: NodeLimits;
  readonly #slots: Slots;
  readonly #reporter: TaskReporter;
  readonly #taskLog: TaskLog;
  readonly #progress: ProgressLog;
  readonly #marker: Marker;
  readonly #admission: Admission;
  readonly #runs: Runs;
  readonly #revokes: RevokeList;
  readonly #intake: Intake;
  readonly #recycling: Recycling;
  readonly #counts: TaskCounts;
  readonly #fetcher: Fetcher;
  readonly #committer: Committer;
  readonly #wire: Wire;
  /** Only where nobody else of the node could be woken. */
  readonly #bell: OwnBell | undefined;
  readonly #promoter: Promoter;
  readonly #settler: Settler;
  readonly #reconciler: Reconciler;
  readonly #ending: Ending;
  #compared = false;
  #unwatch: () => void = () => undefined;
  #leaveStandBy: (() => void) | undefined;

  constructor(options: RunnerOptions) {
    const { app, store, spec, clock, log } = options;
    const { epoch } = spec;
    const { broker, leases } = store;
    this.#options = options;
    const onFenced = (): void => this.#ending.fenced();
    this.#slots = new Slots(options.slots, spec.openSlots, () => this.#onRoom());
    const link = store.events ?? busEvents(store.bus);
    this.#reporter = new TaskReporter({ link, spec, slots: options.slots, registry: app.registry, log });
    this.#taskLog = new TaskLog(log, app.config.workerTaskLog);
    this.#progress = new ProgressLog({ state: () => app.state(), clock, log });
    this.#marker = new Marker({ epoch, broker, clock, onFenced });
    this.#changedLimits = new NodeLimits(spec.changedLimits ?? {});
    const facts = demandFacts(app.config, spec.nodeName, this.#changedLimits);
    this.#admission = new Admission({ epoch, limits: store.limits, clock, log, onFenced, ...facts });
    this.#recycling = new Recycling({ ...spec, clock, memoryBytes: options.memoryBytes ?? (() => process.memoryUsage.rss()) });
    this.#counts = new TaskCounts({ say: (started) => this.#say({ t: "counts", epoch, started }) });
    this.#runs = new Runs({
      app,
      services: this.#services(),
      marker: this.#marker,
      admission: this.#admission,
      log,
      ...runSettings(app),
      changedLimits: this.#changedLimits,
      onStarted: (message) => {
        this.#recycling.taskStarted();
        this.#counts.began(message.task);
        this.#taskLog.started(message);
        return this.#reporter.started(message);
      },
      onEnded: (run, end) => this.#onEnded(run, end),
      onLost: (held) => this.#dropHeld(held),
      onParked: (held) => this.#parkedAtLimit(held),
      onPutOff: (held) => this.#settler.settle(held, { kind: "park", untilMs: this.#intake.storeNow + putOffMs, why: "rate" }),
      refusal: (held) => this.#intake.refusal(held),
      onRefused: (held, outcome) => this.#settler.end(held, outcome, {}),
      onCancelling: ({ held: { number }, message }, { killAfterMs, signal }) =>
        this.#say({ t: "cancelling", epoch, number, taskId: message.id, killAfterMs, ...(signal !== undefined && { signal }) }),
    });
    this.#revokes = new RevokeList({
      revokes: store.revokes,
      clock,
      log,
      ...(options.revokeMemory && { memory: options.revokeMemory }),
      storeNow: () => this.#intake.storeNow,
      onNews: () => void this.#runs.cancelRevoked(this.#revokes).catch(() => undefined), // rejects only when closed
    });
    const knownElsewhere = new KnownElsewhere({ leases, clock, log, ...(store.pidbox && { pidbox: store.pidbox }) });
    this.#intake = new Intake({
      registry: app.registry,
      queues: spec.queues,
      revokes: this.#revokes,
      holdings: this.#holdings,
      slots: this.#slots,
      clock,
      log,
      start: (held, task) => this.#runs.start(held, task),
      onReceived: (message) => {
        this.#reporter.received(message);
        this.#taskLog.received(message);
      },
      end: (held, outcome, settle) => this.#settler.end(held, outcome, settle === undefined ? {} : { settle }),
      settle: (held, settle) => this.#settler.settle(held, settle),
      isKnownElsewhere: (name) => knownElsewhere.knows(name),
      onRoom: () => this.#wire.poke(),
    });
    this.#fetcher = new Fetcher({
      epoch,
      queues: spec.queues,
      capacity: spec.slots * spec.prefetch,
      lowestFirstEvery: app.config.workerLowestFirstEvery,
      clock,
      room: (releasing) => this.#room(releasing),
      isEmpty: (releasing) => this.#holdings.size <= releasing,
      say: (what) => (what === "idle" && this.#bell !== undefined ? this.#bell.idle() : this.#say({ t: what, epoch })),
    });
    this.#committer = new Committer({ holdings: this.#holdings, clock, log, onApplied: (attempt) => this.#reporter.ended(attempt) });
    this.#wire = new Wire({
      epoch,
      store,
      clock,
      log,
      fetcher: this.#fetcher,
      committer: this.#committer,
      onReserved: (reserved) => this.#intake.take(reserved),
      onReconciled: (inStore) => this.#reconciled(inStore),
      onFenced,
      onQuiet: () => this.#onQuiet(),
      onAsking: (asking) => {
        options.slots.askingSince = asking ? monotonicMs() : 0;
      },
      onStoreDown: (forMs) => this.#say({ t: "store-down", epoch, forMs, held: this.#holdings.size }),
    });
    this.#settler = new Settler({
      app,
      nodeName: spec.nodeName,
      log,
      taskLog: this.#taskLog,
      storeNow: () => this.#intake.storeNow,
      onParked: (inMs) => this.#promoter.kick(inMs),
      commit: (held, attempt) => {
        this.#committer.add(held, attempt);
        this.#wire.poke();
      },
    });
    this.#promoter = new Promoter({ leases, clock, log, idleLookMs: null, onPromoted: () => this.#wakeUp() });
    const { queues, ownBell } = spec;
    const wake = leases.wake.bind(leases);
    if (ownBell) this.#bell = new OwnBell({ queues, wake, clock, log, wakeUp: () => this.#wakeUp(), say: (t) => this.#say({ t, epoch }) });
    this.#reconciler = new Reconciler({
      holdings: this.#holdings,
      committer: this.#committer,
      intake: this.#intake,
      runs: this.#runs,
      clock,
      log,
      reconcile: () => this.#wire.reconcile(),
      compare: () => this.#wire.compare(),
      holdsNothing: async () => (await leases.holdsNothing?.(epoch)) ?? false,
      restore: leases.restore === undefined ? undefined : async (deliveries) => (await leases.restore?.(epoch, deliveries)) ?? [],
      abandon: (run) => this.#abandonRun(run),
      drop: (held) => this.#dropHeld(held),
    });
    this.#ending = this.#newEnding();
  }

  #newEnding(): Ending {
    const { app, spec, clock, log } = this.#options;
    return new Ending({
      app,
      epoch: spec.epoch,
      clock,
      log,
      actors: {
        fetcher: this.#fetcher,
        intake: this.#intake,
        wire: this.#wire,
        runs: this.#runs,
        holdings: this.#holdings,
        progress: this.#progress,
        marker: this.#marker,
        admission: this.#admission,
        revokes: this.#revokes,
        promoter: this.#promoter,
        bell: this.#bell,
      },
      abandon: (run) => this.#abandonRun(run),
      tasksDone: () => this.#recycling.tasksDone,
      say: (message) => {
        if (message.t === "drained") this.#counts.say();
        this.#say(message);
      },
      leaveStandBy: () => this.#leaveStandBy?.(),
      onClosed: () => this.#unwatch(),
    });
  }

  get done(): Promise<void> {
    return this.#ending.done;
  }

  async start(): Promise<void> {
    const { app, spec, log } = this.#options;
    try {
      await app.setup();
    } catch (error) {
      log.error("runner.setup-failed", { error });
      const code = isLovageError(error) ? error.code : "LOVAGE_SETUP_FAILED";
      this.#say({ t: "failed", epoch: spec.epoch, code, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      return this.#ending.close();
    }
    if (this.#options.ownsProcess === true) {
      this.#unwatch = this.#watchStrayErrors();
      Object.assign(globalThis, { [whoBlocks]: () => tryCurrentRun()?.fencingToken });
    }
    await this.#promoter.start();
    void this.#reconciler.nowAndThen(this.#ending.signal);
    this.#say({ t: "ready", epoch: spec.epoch, pid: process.pid });
    const handed = (reserved: Reserved) => this.#handed(reserved);
    this.#leaveStandBy = this.#options.store.broker.standBy?.(spec.epoch, { handed, missed: () => this.#wire.compare() });
    if (spec.alone === true) this.#wire.compare();
    else this.#wire.poke();
    this.#bell?.start();
  }

  #reconciled(inStore: readonly Delivery[]): void {
    this.#reconciler.compared(inStore);
    this.#compared = true;
  }

  #onQuiet(): void {
    const { alone } = this.#options.spec;
    if (alone === true && this.#compared && this.#holdings.size === 0 && !this.#ending.draining) this.#ending.drain();
    this.#ending.ifDrained();
  }

  receive(message: ToRunner): void {
    if (this.#ending.ended) return;
    switch (message.t) {
      case "wake":
        this.#wakeUp();
        break;
      case "revokes":
        this.#revokes.refresh().catch(() => undefined); // rejects only when closed
        break;
      case "slots":
        this.#slots.limit = message.count;
        this.#onRoom();
        break;
      case "queues":
        this.#listenTo(message.queues);
        break;
      case "task-limits":
        this.#changedLimits.set(message.changed);
        break;
      case "command":
        void runOwnCommand(this.#options.app, this.#options.spec.nodeName, message).then((said) => this.#say(said));
        break;
      case "drain":
        this.#ending.drain();
        break;
      case "hand-back":
        void this.#ending.handBack(message.graceMs);
        break;
      case "abandon":
        this.#abandon(message.number);
        break;
    }
  }

  flagged(number: number): void {
    this.#runs.get(number)?.passAbortOn();
  }

  abort(number: number, reason: AbortFlag): void {
    this.#runs.abort(number, reason);
  }

  #services(): RunServices {
    const { store, spec, log } = this.#options;
    return {
      nodeName: spec.nodeName,
      pid: process.pid,
      slots: this.#slots,
      log,
      publish: (publication) => store.broker.publish(publication),
      progress: (entry) => this.#progress.note(entry),
      markState: (number, result) => this.#marker.state({ kind: "state", number, result }),
    };
  }

  /** A place for as many deliveries, once `releasing` of those we hold are settled. Suspended runs do not count as taken. */
  #room(releasing: number): number {
    const { spec, slots } = this.#options;
    const most = Math.min(this.#slots.limit * spec.prefetch + this.#slots.suspended, slots.slots * spec.prefetch);
    const places = most - this.#holdings.size + releasing;
    const notStarted = this.#intake.waiting + this.#runs.starting;
    return Math.min(places, this.#recycling.left - notStarted);
  }

  /** What was adopted after a comparison, and has even ended since, may be heard of late. */
  #handed(reserved: Reserved): void {
    if (this.#ending.ended || reserved.deliveries.some(({ id }) => this.#committer.remembers(id.number))) return;
    this.#intake.take(reserved)();
  }

  #listenTo(queues: readonly QueueName[]): void {
    this.#fetcher.listenTo(queues);
    this.#bell?.listenTo(queues);
    this.#intake.listenTo(queues);
    this.#wire.poke();
  }

  #wakeUp(): void {
    this.#fetcher.wake();
    this.#wire.poke();
  }

  #onRoom(): void {
    this.#intake.pump();
    this.#wire.poke();
  }

  #onEnded(run: Run, end: RunEnd): void {
    const { held } = run;
    this.#progress.end(run.message.id);
    if (run.endAwaited || run.abandoned) this.#say({ t: "ended", epoch: this.#options.spec.epoch, number: held.number });
    if (run.abandoned) {
      this.#options.log.warn("runner.abandoned-run-ended", { ...runFacts(run.message), number: held.number });
      this.#dropHeld(held);
    } else if (end.kind === "hand-back") this.#settler.settle(held, { kind: "requeue", where: "front" });
    else {
      this.#settler.end(held, end.outcome, { runtimeMs: end.runtimeMs });
    }
    const reason = this.#recycling.taskEnded();
    if (reason !== null) this.#recycle(reason);
    this.#intake.pump();
  }

  #dropHeld(held: Held): void {
    this.#intake.forget(held);
    this.#holdings.delete(held);
    this.#wire.poke();
    this.#ending.ifDrained();
  }

  /** Whoever looks at its line next may be seconds away: until then we do. */
  #parkedAtLimit(held: Held): void {
    this.#dropHeld(held);
    this.#promoter.follow(idleLookMs + 1000);
    this.#wakeUp();
    this.#intake.pump();
  }

  /** Ended over our head by the supervisor. A runner with such a run takes no more work: it will have to be killed. */
  #abandon(number: number): void {
    const run = this.#runs.get(number);
    const held = this.#holdings.get(number);
    if (run !== undefined) {
      this.#abandonRun(run);
      this.#ending.drain();
    } else if (held?.stage === "waiting") this.#dropHeld(held);
  }

  #abandonRun(run: Run): void {
    run.abandon();
    this.#holdings.markAbandoned(run.held);
  }

  #recycle(reason: "max-tasks" | "max-memory"): void {
    if (this.#ending.draining) return;
    this.#say({ t: "recycle", epoch: this.#options.spec.epoch, reason });
    this.#ending.drain();
  }

  #watchStrayErrors(): () => void {
    const { log, spec } = this.#options;
    return watchStrayErrors({ log, epoch: spec.epoch, runs: this.#runs, onThrown: (run, error) => this.#thrown(run, error) });
  }

  /** The process may be damaged: its run ends as a FAILURE now, its neighbours may finish, and a fresh runner takes over. */
  #thrown(run: Run | "over", error: unknown): void {
    if (run !== "over" && !run.abandoned) {
      const { held } = run;
      run.abandon();
      this.#settler.end(held, failure(error, "exception", true));
    }
    this.#ending.drain();
  }

  #say(message: FromRunner): void {
    this.#options.send(message);
  }
}
