/**
 * A runner: reserves messages, runs them, commits their outcomes. The same in a child process, a thread, and inline. This
 * file follows the supervisor's words and passes words between its actors (`actors.ts`); it neither spawns nor kills, renews no
 * lease, and keeps no timer per task.
 */
import type { Reserved } from "../../broker/broker.ts";
import { tryCurrentRun } from "../../execution/current-run.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Delivery } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { whoBlocks } from "../../pool/blocking-code.ts";
import type { FromRunner, ToRunner } from "../../pool/protocol.ts";
import type { RunnerPort } from "../../pool/runner-entry.ts";
import type { AbortFlag } from "../../pool/slot-table.ts";
import { runFacts } from "../../task/run-facts.ts";
import { failure } from "../../upkeep/ended-outcomes.ts";
import { idleLookMs } from "../../upkeep/promoter.ts";
import { type Actors, makeActors } from "./actors.ts";
import type { Held } from "./held.ts";
import { runOwnCommand } from "./own-command.ts";
import type { Run } from "./run.ts";
import type { RunnerOptions } from "./runner-options.ts";
import type { RunEnd } from "./runs.ts";
import { watchStrayErrors } from "./stray-errors.ts";

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
  readonly #actors: Actors;
  #compared = false;
  #unwatch: () => void = () => undefined;
  #leaveStandBy: (() => void) | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#actors = makeActors(options, {
      say: (message) => this.#say(message),
      room: (releasing) => this.#room(releasing),
      onRoom: () => this.#onRoom(),
      onEnded: (run, end) => this.#onEnded(run, end),
      onParkedAtLimit: (held) => this.#parkedAtLimit(held),
      onReconciled: (inStore) => this.#reconciled(inStore),
      onQuiet: () => this.#onQuiet(),
      wakeUp: () => this.#wakeUp(),
      drop: (held) => this.#dropHeld(held),
      abandon: (run) => this.#abandonRun(run),
      leaveStandBy: () => this.#leaveStandBy?.(),
      unwatch: () => this.#unwatch(),
    });
  }

  get done(): Promise<void> {
    return this.#actors.ending.done;
  }

  async start(): Promise<void> {
    const { app, spec, log } = this.#options;
    try {
      await app.setup();
    } catch (error) {
      log.error("runner.setup-failed", { error });
      const code = isLovageError(error) ? error.code : "LOVAGE_SETUP_FAILED";
      this.#say({ t: "failed", epoch: spec.epoch, code, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      return this.#actors.ending.close();
    }
    if (this.#options.ownsProcess === true) {
      this.#unwatch = this.#watchStrayErrors();
      Object.assign(globalThis, { [whoBlocks]: () => tryCurrentRun()?.fencingToken });
    }
    await this.#actors.promoter.start();
    void this.#actors.reconciler.nowAndThen(this.#actors.ending.signal);
    this.#say({ t: "ready", epoch: spec.epoch, pid: process.pid });
    const handed = (reserved: Reserved) => this.#handed(reserved);
    this.#leaveStandBy = this.#options.store.broker.standBy?.(spec.epoch, { handed, missed: () => this.#actors.wire.compare() });
    if (spec.alone === true) this.#actors.wire.compare();
    else this.#actors.wire.poke();
    this.#actors.bell?.start();
  }

  #reconciled(inStore: readonly Delivery[]): void {
    this.#actors.reconciler.compared(inStore);
    this.#compared = true;
  }

  #onQuiet(): void {
    const { alone } = this.#options.spec;
    if (alone === true && this.#compared && this.#actors.holdings.size === 0 && !this.#actors.ending.draining) this.#actors.ending.drain();
    this.#actors.ending.ifDrained();
  }

  receive(message: ToRunner): void {
    if (this.#actors.ending.ended) return;
    switch (message.t) {
      case "wake":
        this.#wakeUp();
        break;
      case "revokes":
        this.#actors.revokes.refresh().catch(() => undefined); // rejects only when closed
        break;
      case "slots":
        this.#actors.slots.limit = message.count;
        this.#onRoom();
        break;
      case "queues":
        this.#listenTo(message.queues);
        break;
      case "task-limits":
        this.#actors.changedLimits.set(message.changed);
        this.#say({ t: "limits-set", epoch: message.epoch, version: message.version });
        break;
      case "command":
        void runOwnCommand(this.#options.app, this.#options.spec.nodeName, message).then((said) => this.#say(said));
        break;
      case "drain":
        this.#actors.ending.drain();
        break;
      case "hand-back":
        void this.#actors.ending.handBack(message.graceMs);
        break;
      case "abandon":
        this.#abandon(message.number);
        break;
    }
  }

  flagged(number: number): void {
    this.#actors.runs.get(number)?.passAbortOn();
  }

  abort(number: number, reason: AbortFlag): void {
    this.#actors.runs.abort(number, reason);
  }

  /** A place for as many deliveries, once `releasing` of those we hold are settled. Suspended runs do not count as taken. */
  #room(releasing: number): number {
    const { spec, slots } = this.#options;
    const most = Math.min(this.#actors.slots.limit * spec.prefetch + this.#actors.slots.suspended, slots.slots * spec.prefetch);
    const places = most - this.#actors.holdings.size + releasing;
    const notStarted = this.#actors.intake.waiting + this.#actors.runs.starting;
    return Math.min(places, this.#actors.recycling.left - notStarted);
  }

  /** What was adopted after a comparison, and has even ended since, may be heard of late. */
  #handed(reserved: Reserved): void {
    if (this.#actors.ending.ended || reserved.deliveries.some(({ id }) => this.#actors.committer.remembers(id.number))) return;
    this.#actors.intake.take(reserved)();
  }

  #listenTo(queues: readonly QueueName[]): void {
    this.#actors.fetcher.listenTo(queues);
    this.#actors.bell?.listenTo(queues);
    this.#actors.intake.listenTo(queues);
    this.#actors.wire.poke();
  }

  #wakeUp(): void {
    this.#actors.fetcher.wake();
    this.#actors.wire.poke();
  }

  #onRoom(): void {
    this.#actors.intake.pump();
    this.#actors.wire.poke();
  }

  #onEnded(run: Run, end: RunEnd): void {
    const { held } = run;
    this.#actors.progress.end(run.message.id);
    if (run.endAwaited || run.abandoned) this.#say({ t: "ended", epoch: this.#options.spec.epoch, number: held.number });
    if (run.abandoned) {
      this.#options.log.warn("runner.abandoned-run-ended", { ...runFacts(run.message), number: held.number });
      this.#dropHeld(held);
    } else if (end.kind === "hand-back") this.#actors.settler.settle(held, { kind: "requeue", where: "front" });
    else {
      this.#actors.settler.end(held, end.outcome, { runtimeMs: end.runtimeMs });
    }
    const reason = this.#actors.recycling.taskEnded();
    if (reason !== null) this.#recycle(reason);
    this.#actors.intake.pump();
  }

  #dropHeld(held: Held): void {
    this.#actors.intake.forget(held);
    this.#actors.holdings.delete(held);
    this.#actors.wire.poke();
    this.#actors.ending.ifDrained();
  }

  /** Whoever looks at its line next may be seconds away: until then we do. */
  #parkedAtLimit(held: Held): void {
    this.#dropHeld(held);
    this.#actors.promoter.follow(idleLookMs + 1000);
    this.#wakeUp();
    this.#actors.intake.pump();
  }

  /** Ended over our head by the supervisor. A runner with such a run takes no more work: it will have to be killed. */
  #abandon(number: number): void {
    const run = this.#actors.runs.get(number);
    const held = this.#actors.holdings.get(number);
    if (run !== undefined) {
      this.#abandonRun(run);
      this.#actors.ending.drain();
    } else if (held?.stage === "waiting") this.#dropHeld(held);
  }

  #abandonRun(run: Run): void {
    run.abandon();
    this.#actors.holdings.markAbandoned(run.held);
  }

  #recycle(reason: "max-tasks" | "max-memory"): void {
    if (this.#actors.ending.draining) return;
    this.#say({ t: "recycle", epoch: this.#options.spec.epoch, reason });
    this.#actors.ending.drain();
  }

  #watchStrayErrors(): () => void {
    const { log, spec } = this.#options;
    return watchStrayErrors({ log, epoch: spec.epoch, runs: this.#actors.runs, onThrown: (run, error) => this.#thrown(run, error) });
  }

  /** The process may be damaged: its run ends as a FAILURE now, its neighbours may finish, and a fresh runner takes over. */
  #thrown(run: Run | "over", error: unknown): void {
    if (run !== "over" && !run.abandoned) {
      const { held } = run;
      run.abandon();
      this.#actors.settler.end(held, failure(error, "exception", true));
    }
    this.#actors.ending.drain();
  }

  #say(message: FromRunner): void {
    this.#options.send(message);
  }
}
