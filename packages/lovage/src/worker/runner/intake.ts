/**
 * What becomes of messages between the reserve and their run: the gate, the store where they may be revoked, then a place in
 * the line for a slot. While the runner drains, all of them go back.
 */
import type { Reserved } from "../../broker/broker.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery, Settle } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { QueueName, TaskMessage } from "../../message/task-message.ts";
import type { Registry } from "../../task/registry.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import { expired, type GateVerdict, gate, isExpired, revoked } from "./gate.ts";
import type { Held, Holdings } from "./held.ts";
import type { RevokeList } from "./revoke-list.ts";
import type { Slots } from "./slots.ts";
import { unknownTaskLongestMs } from "./unknown-tasks.ts";

interface Judged {
  readonly held: Held;
  readonly verdict: GateVerdict;
}

/** Milliseconds between two log lines about the same unknown name. */
const nameAgainMs = 60_000;

export interface IntakeOptions {
  readonly registry: Registry;
  readonly queues: readonly QueueName[];
  readonly revokes: RevokeList;
  readonly holdings: Holdings;
  readonly slots: Slots;
  readonly clock: Clock;
  readonly log: Logger;
  start(held: Held, task: AnyTask): void;
  /** It is known here, and will run: now, or when its time has come. */
  onReceived(message: TaskMessage): void;
  /** It ends without a run. */
  end(held: Held, outcome: Outcome, settle?: Settle): void;
  settle(held: Held, settle: Settle): void;
  /** Whether any live node knows this task. Asked before a message is given up because we do not. */
  isKnownElsewhere(task: string): Promise<boolean>;
  /** A place is free that a message did not need. */
  onRoom(): void;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #waiting: Held[] = [];
  /** Taken, and not yet judged. */
  #atGate = 0;
  #queues: readonly QueueName[] = [];
  /** Queues that were listened to and are no longer: what still comes of them goes back. */
  readonly #left = new Set<QueueName>();
  readonly #namesSaid = new Map<string, number>();
  #closed = false;
  /** The store's clock, and our monotonic one at the same moment. */
  #storeNow = { theirs: 0, ours: 0 };

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#queues = options.queues;
    this.#storeNow = { theirs: options.clock.now(), ours: options.clock.monotonic() };
  }

  /** The store's wall clock as far as we know it, milliseconds: only it says what is due or expired. */
  get storeNow(): number {
    return this.#storeNow.theirs + this.#options.clock.monotonic() - this.#storeNow.ours;
  }

  /** Deliveries that have not been started. */
  get waiting(): number {
    return this.#waiting.length + this.#atGate;
  }

  /** Takes them into the holdings; the function returned starts them. */
  take({ deliveries, storeNow, revokesVersion }: Reserved): () => void {
    const { holdings, revokes, clock } = this.#options;
    this.#storeNow = { theirs: storeNow, ours: clock.monotonic() };
    // A repeated call gives again what is still in flight, and some of that may be ours already.
    const fresh = deliveries.filter((delivery) => holdings.get(delivery.id.number) === undefined);
    const batch = fresh.map((delivery) => holdings.add(delivery));
    this.#atGate += batch.length;
    const isCurrent = revokes.isCurrent(revokesVersion);
    return () => this.#admit(batch, isCurrent);
  }

  /** What a lost reply has left in our name. */
  adopt(delivery: Delivery): void {
    const held = this.#options.holdings.add(delivery);
    this.#atGate += 1;
    this.#admit([held], false);
  }

  /** It is revoked, or has expired, by now: how it ends then. */
  async refusal(held: Held): Promise<Outcome | null> {
    const { message } = held;
    if (message === null) return null;
    if (isExpired(message, this.storeNow)) return expired;
    if (!this.#isSuspect(held)) return null;
    return (await this.#options.revokes.refused([message])).has(message) ? revoked : null;
  }

  /** `isCurrent`: what we know of revokes is as new as the batch. */
  #admit(batch: readonly Held[], isCurrent: boolean): void {
    if (this.#closed) {
      this.#atGate -= batch.length;
      this.giveBack(batch);
      return;
    }
    const { registry } = this.#options;
    const facts = { registry, storeNow: this.storeNow };
    const suspects: Judged[] = [];
    for (const held of batch) {
      const verdict = gate(held.delivery.bytes, facts);
      held.message = verdict.message;
      if (isReadable(verdict) && (!isCurrent || this.#isSuspect(held))) suspects.push({ held, verdict });
      else this.#pass(held, verdict);
    }
    if (suspects.length > 0) void this.#askAbout(suspects);
    this.pump();
    this.#options.onRoom();
  }

  /** What the store was asked about already, nothing new has come since. */
  #isSuspect({ message, clearedAt }: Held): boolean {
    const { revokes } = this.#options;
    return message !== null && clearedAt !== revokes.version && revokes.mayRefuse(message);
  }

  async #askAbout(suspects: readonly Judged[]): Promise<void> {
    const { revokes, end } = this.#options;
    const { version } = revokes;
    const asked = suspects.map(({ held }) => held.message as TaskMessage);
    const refused = await revokes.refused(asked).catch(() => null);
    if (refused === null) return; // closed: the epoch is, too
    for (const { held, verdict } of suspects) {
      held.clearedAt = version;
      if (held.message !== null && refused.has(held.message)) {
        this.#atGate -= 1;
        end(held, revoked);
      } else if (this.#closed) {
        this.#atGate -= 1;
        this.giveBack([held]);
      } else this.#pass(held, verdict);
    }
    this.pump();
    this.#options.onRoom();
  }

  #pass(held: Held, verdict: GateVerdict): void {
    this.#atGate -= 1;
    this.#judge(held, verdict);
  }

  #judge(held: Held, verdict: GateVerdict): void {
    const { end } = this.#options;
    if (verdict.kind === "run") {
      if (this.#left.has(held.delivery.queue)) {
        this.giveBack([held]);
        return;
      }
      held.stage = "waiting";
      this.#options.onReceived(verdict.message);
      this.#waiting.push(held);
      return;
    }
    if (verdict.kind === "end" && verdict.settle?.kind === "dead-letter" && verdict.settle.reason === "unknown-task") {
      void this.#giveUpUnknown(held, verdict);
      return;
    }
    this.#say(held, verdict);
    if (verdict.kind === "end") end(held, verdict.outcome, verdict.settle);
    else this.#putOff(held, verdict);
  }

  #putOff(held: Held, { message, settle }: Extract<GateVerdict, { readonly kind: "settle" }>): void {
    if (message !== null && settle.kind === "park" && settle.why !== "unknown-task") this.#options.onReceived(message);
    this.#options.settle(held, settle);
  }

  /** It goes on waiting while some node knows its task, or nobody can be asked. */
  async #giveUpUnknown(held: Held, verdict: Extract<GateVerdict, { readonly kind: "end" }>): Promise<void> {
    const { isKnownElsewhere, settle, end } = this.#options;
    const isKnown = await isKnownElsewhere(verdict.message.task).catch(() => true);
    if (isKnown) return settle(held, { kind: "park", untilMs: this.storeNow + unknownTaskLongestMs, why: "unknown-task" });
    this.#say(held, verdict);
    end(held, verdict.outcome, verdict.settle);
  }

  /** Starts what waits, as long as there are slots. */
  pump(): void {
    const { slots, registry, start, end } = this.#options;
    while (this.#waiting.length > 0 && slots.open && !this.#closed) {
      const held = this.#waiting.shift() as Held;
      const { message } = held;
      const task = message === null ? undefined : registry.get(message.task);
      if (message === null || task === undefined) continue; // the gate lets neither pass
      if (isExpired(message, this.storeNow)) end(held, expired);
      else if (this.#isSuspect(held)) this.#askAgain(held, message);
      else start(held, task);
    }
  }

  #askAgain(held: Held, message: TaskMessage): void {
    held.stage = "gate";
    this.#atGate += 1;
    void this.#askAbout([{ held, verdict: { kind: "run", message } }]);
  }

  /** Nothing starts from now on; what has not started goes back. */
  close(): void {
    this.#closed = true;
    this.giveBack(this.#waiting.splice(0));
  }

  /** To the front of their queues, the oldest last, so that it is the next one out. Their counts stay as they are. */
  giveBack(batch: readonly Held[]): void {
    const newestFirst = [...batch].sort((a, b) => b.number - a.number);
    for (const held of newestFirst) this.#options.settle(held, { kind: "requeue", where: "front" });
  }

  listenTo(queues: readonly QueueName[]): void {
    for (const queue of this.#queues) this.#left.add(queue);
    for (const queue of queues) this.#left.delete(queue);
    this.#queues = queues;
    const back = this.#waiting.filter(({ delivery }) => this.#left.has(delivery.queue));
    for (const held of back) this.forget(held);
    this.giveBack(back);
  }

  /** The store ended it without us. */
  forget(held: Held): void {
    const at = this.#waiting.indexOf(held);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #say({ number, delivery }: Held, verdict: GateVerdict): void {
    const settle = verdict.kind === "run" ? undefined : verdict.settle;
    const { message } = verdict;
    const task = message?.task;
    if (settle?.kind === "park" && settle.why === "unknown-task" && task !== undefined) this.#sayUnknown(task, delivery.queue);
    if (settle?.kind !== "dead-letter") return;
    const { reason, detail } = settle;
    this.#options.log.warn("runner.dead-letter", { ...(message && runFacts(message)), reason, detail, queue: delivery.queue, number });
  }

  #sayUnknown(task: string, queue: string): void {
    const { log, clock } = this.#options;
    const now = clock.monotonic();
    if (now - (this.#namesSaid.get(task) ?? Number.NEGATIVE_INFINITY) < nameAgainMs) return;
    this.#namesSaid.set(task, now);
    log.warn("runner.unknown-task", { task, queue, putOff: "for 10 minutes at most, until a worker that knows it takes it" });
  }
}

/** All but what only its id was read of. */
const isReadable = (verdict: GateVerdict): boolean =>
  verdict.message !== null &&
  !(verdict.kind === "end" && verdict.settle?.kind === "dead-letter" && verdict.settle.reason === "undecodable");
