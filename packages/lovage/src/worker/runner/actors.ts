/**
 * The actors of a runner, and who knows whom. `Wire` talks to the broker, `Fetcher` says how many, `Intake` checks and queues, `Runs`
 * runs, `Settler` turns ends into commits, `Committer` keeps those until the store has them, `Reconciler` compares with the store,
 * `Ending` drains and closes. They find each other through the object they are put into, so their order does not matter.
 */
import { busEvents } from "../../events/event-link.ts";
import type { Delivery } from "../../message/commit.ts";
import type { FromRunner } from "../../pool/protocol.ts";
import { monotonicMs } from "../../pool/slot-table.ts";
import { Promoter } from "../../upkeep/promoter.ts";
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
import { ProgressLog } from "./progress-log.ts";
import { Reconciler } from "./reconciler.ts";
import { Recycling } from "./recycling.ts";
import { RevokeList } from "./revoke-list.ts";
import type { Run, RunServices } from "./run.ts";
import type { RunnerOptions } from "./runner-options.ts";
import { type RunEnd, Runs, runSettings } from "./runs.ts";
import { Settler } from "./settler.ts";
import { Slots } from "./slots.ts";
import { TaskCounts } from "./task-counts.ts";
import { TaskReporter } from "./task-reporter.ts";
import { Wire } from "./wire.ts";

/** Milliseconds until a message is tried again whose limits cannot be asked: somebody has to mend a key first. */
const putOffMs = 60_000;

export interface Actors {
  readonly holdings: Holdings;
  readonly slots: Slots;
  readonly changedLimits: NodeLimits;
  readonly reporter: TaskReporter;
  readonly taskLog: TaskLog;
  readonly counts: TaskCounts;
  readonly progress: ProgressLog;
  readonly marker: Marker;
  readonly admission: Admission;
  readonly recycling: Recycling;
  readonly runs: Runs;
  readonly revokes: RevokeList;
  readonly intake: Intake;
  readonly fetcher: Fetcher;
  readonly committer: Committer;
  readonly wire: Wire;
  /** Only where nobody else of the node could be woken. */
  readonly bell: OwnBell | undefined;
  readonly promoter: Promoter;
  readonly settler: Settler;
  readonly reconciler: Reconciler;
  readonly ending: Ending;
}

/** What they tell and ask the runner itself. */
export interface Hooks {
  say(message: FromRunner): void;
  /** A place for as many deliveries, once `releasing` of those it holds are settled. */
  room(releasing: number): number;
  onRoom(): void;
  onEnded(run: Run, end: RunEnd): void;
  onParkedAtLimit(held: Held): void;
  onReconciled(inStore: readonly Delivery[]): void;
  onQuiet(): void;
  wakeUp(): void;
  drop(held: Held): void;
  abandon(run: Run): void;
  leaveStandBy(): void;
  unwatch(): void;
}

type Making = { -readonly [Name in keyof Actors]: Actors[Name] };

export function makeActors(options: RunnerOptions, hooks: Hooks): Actors {
  const { app, store, spec, clock, log } = options;
  const { epoch } = spec;
  const actors = {} as Making;
  const onFenced = () => actors.ending.fenced();
  actors.holdings = new Holdings();
  actors.slots = new Slots(options.slots, spec.openSlots, () => hooks.onRoom());
  const link = store.events ?? busEvents(store.bus);
  actors.reporter = new TaskReporter({ link, spec, slots: options.slots, registry: app.registry, log });
  actors.taskLog = new TaskLog(log, app.config.workerTaskLog);
  actors.counts = new TaskCounts({ say: (started) => hooks.say({ t: "counts", epoch, started }) });
  actors.progress = new ProgressLog({ state: () => app.state(), clock, log });
  actors.marker = new Marker({ epoch, broker: store.broker, clock, onFenced });
  actors.changedLimits = new NodeLimits(spec.changedLimits ?? {});
  const facts = demandFacts(app.config, spec.nodeName, actors.changedLimits);
  actors.admission = new Admission({ epoch, limits: store.limits, clock, log, onFenced, ...facts });
  actors.recycling = new Recycling({ ...spec, clock, memoryBytes: options.memoryBytes ?? (() => process.memoryUsage.rss()) });
  actors.runs = newRuns(options, actors, hooks);
  actors.revokes = newRevokeList(options, actors);
  actors.intake = newIntake(options, actors);
  actors.fetcher = newFetcher(options, actors, hooks);
  const { holdings } = actors;
  actors.committer = new Committer({ holdings, clock, log, onApplied: (attempt) => actors.reporter.ended(attempt) });
  actors.wire = newWire(options, actors, hooks);
  actors.settler = newSettler(options, actors);
  actors.promoter = new Promoter({ leases: store.leases, clock, log, idleLookMs: null, onPromoted: () => hooks.wakeUp() });
  actors.bell = spec.ownBell ? newOwnBell(options, hooks) : undefined;
  actors.reconciler = newReconciler(options, actors, hooks);
  actors.ending = newEnding(options, actors, hooks);
  return actors;
}

function newRuns({ app, store, spec, log }: RunnerOptions, actors: Actors, hooks: Hooks): Runs {
  const { marker, admission, changedLimits } = actors;
  const { epoch } = spec;
  const services: RunServices = {
    nodeName: spec.nodeName,
    pid: process.pid,
    slots: actors.slots,
    log,
    publish: (publication) => store.broker.publish(publication),
    progress: (entry) => actors.progress.note(entry),
    emit: (from, line) => actors.progress.emit(from, line),
    markState: (number, result) => marker.state({ kind: "state", number, result }),
  };
  return new Runs({
    ...{ app, services, marker, admission, log, changedLimits },
    ...runSettings(app),
    onStarted: (message) => {
      actors.recycling.taskStarted();
      actors.counts.began(message.task);
      actors.taskLog.started(message);
      return actors.reporter.started(message);
    },
    onEnded: (run, end) => hooks.onEnded(run, end),
    onLost: (held) => hooks.drop(held),
    onParked: (held) => hooks.onParkedAtLimit(held),
    onPutOff: (held) => actors.settler.settle(held, { kind: "park", untilMs: actors.intake.storeNow + putOffMs, why: "rate" }),
    refusal: (held) => actors.intake.refusal(held),
    onRefused: (held, outcome) => actors.settler.end(held, outcome, {}),
    onCancelling: ({ held: { number }, message }, { killAfterMs, signal }) =>
      hooks.say({ t: "cancelling", epoch, number, taskId: message.id, killAfterMs, ...(signal !== undefined && { signal }) }),
  });
}

function newRevokeList({ store, revokeMemory, clock, log }: RunnerOptions, actors: Actors): RevokeList {
  return new RevokeList({
    revokes: store.revokes,
    clock,
    log,
    ...(revokeMemory && { memory: revokeMemory }),
    storeNow: () => actors.intake.storeNow,
    onNews: () => void actors.runs.cancelRevoked(actors.revokes).catch(() => undefined), // rejects only when closed
  });
}

function newIntake({ app, store, spec, clock, log }: RunnerOptions, actors: Actors): Intake {
  const { revokes, holdings, slots } = actors;
  const { pidbox, leases } = store;
  const knownElsewhere = new KnownElsewhere({ leases, clock, log, ...(pidbox && { pidbox }) });
  return new Intake({
    ...{ revokes, holdings, slots, clock, log },
    registry: app.registry,
    queues: spec.queues,
    start: (held, task) => actors.runs.start(held, task),
    onReceived: (message) => {
      actors.reporter.received(message);
      actors.taskLog.received(message);
    },
    end: (held, outcome, settle) => actors.settler.end(held, outcome, settle === undefined ? {} : { settle }),
    settle: (held, settle) => actors.settler.settle(held, settle),
    isKnownElsewhere: (name) => knownElsewhere.knows(name),
    onRoom: () => actors.wire.poke(),
  });
}

function newFetcher({ app, spec, clock }: RunnerOptions, actors: Actors, hooks: Hooks): Fetcher {
  const { epoch, queues, slots, prefetch } = spec;
  return new Fetcher({
    epoch,
    queues,
    capacity: slots * prefetch,
    lowestFirstEvery: app.config.workerLowestFirstEvery,
    clock,
    room: (releasing) => hooks.room(releasing),
    isEmpty: (releasing) => actors.holdings.size <= releasing,
    say: (what) => (what === "idle" && actors.bell !== undefined ? actors.bell.idle() : hooks.say({ t: what, epoch })),
  });
}

function newWire({ store, spec, slots, clock, log }: RunnerOptions, actors: Actors, hooks: Hooks): Wire {
  const { epoch } = spec;
  const { fetcher, committer } = actors;
  return new Wire({
    ...{ epoch, store, clock, log, fetcher, committer },
    onReserved: (reserved) => actors.intake.take(reserved),
    onReconciled: (inStore) => hooks.onReconciled(inStore),
    onFenced: () => actors.ending.fenced(),
    onQuiet: () => hooks.onQuiet(),
    onAsking: (asking) => {
      slots.askingSince = asking ? monotonicMs() : 0;
    },
    onStoreDown: (forMs) => hooks.say({ t: "store-down", epoch, forMs, held: actors.holdings.size }),
  });
}

function newSettler({ app, spec, log }: RunnerOptions, actors: Actors): Settler {
  return new Settler({
    app,
    nodeName: spec.nodeName,
    log,
    taskLog: actors.taskLog,
    storeNow: () => actors.intake.storeNow,
    onParked: (inMs) => actors.promoter.kick(inMs),
    commit: (held, attempt) => {
      actors.committer.add(held, attempt);
      actors.wire.poke();
    },
  });
}

function newOwnBell({ store, spec, clock, log }: RunnerOptions, hooks: Hooks): OwnBell {
  const { queues, epoch } = spec;
  const wake = store.leases.wake.bind(store.leases);
  return new OwnBell({ queues, wake, clock, log, wakeUp: () => hooks.wakeUp(), say: (t) => hooks.say({ t, epoch }) });
}

function newReconciler({ store, spec, clock, log }: RunnerOptions, actors: Actors, hooks: Hooks): Reconciler {
  const { holdings, committer, intake, runs } = actors;
  const { leases } = store;
  const { epoch } = spec;
  return new Reconciler({
    ...{ holdings, committer, intake, runs, clock, log },
    reconcile: () => actors.wire.reconcile(),
    compare: () => actors.wire.compare(),
    holdsNothing: async () => (await leases.holdsNothing?.(epoch)) ?? false,
    restore: leases.restore === undefined ? undefined : async (deliveries) => (await leases.restore?.(epoch, deliveries)) ?? [],
    abandon: (run) => hooks.abandon(run),
    drop: (held) => hooks.drop(held),
  });
}

function newEnding({ app, spec, clock, log }: RunnerOptions, actors: Actors, hooks: Hooks): Ending {
  return new Ending({
    app,
    epoch: spec.epoch,
    clock,
    log,
    actors,
    abandon: (run) => hooks.abandon(run),
    tasksDone: () => actors.recycling.tasksDone,
    say: (message) => {
      if (message.t === "drained") actors.counts.say();
      hooks.say(message);
    },
    leaveStandBy: () => hooks.leaveStandBy(),
    onClosed: () => hooks.unwatch(),
  });
}
