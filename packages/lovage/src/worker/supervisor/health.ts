/**
 * Whether the node takes work, told from what its runners' watchdogs and its own heartbeat say: no probe reaches the store or
 * user code. A busy runner is well, however long its code loops; one with a free place that asks for messages and hears
 * nothing is not. It only tells: `silence-watch` and `consuming-watchdog` act.
 */
import type { Clock } from "../../kernel/clock.ts";
import { createLoop, type Service, type StopOptions } from "../../kernel/service.ts";
import type { Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { RunnerSlots } from "../../pool/protocol.ts";
import type { HealthCheck, HealthCode, HealthReport } from "../health/health-report.ts";
import type { Member } from "./member.ts";

export interface HealthOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  members(): readonly Member[];
  /** Paused ones too: a pause is of the queue, not of the node. */
  queues(): readonly QueueName[];
  /** Places of each runner. */
  openSlots(): number;
  /** Monotonic time of the last beat that the store took. */
  storeAnsweredAt(): number;
  draining(): boolean;
}

interface Seen {
  readonly at: number;
  /** null: it has not answered yet. */
  readonly slots: RunnerSlots | null;
}

const lookEveryMs = 1000;
const answerWithinMs = 3000;
/** Each well below the 20 s after which a deaf node must be known, and above what a busy machine makes of a second. */
const silentAfterMs = 8000;
const blockedAfterMs = 10_000;
const unansweredAfterMs = 8000;
const storeSilentAfterMs = 10_000;

export class Health implements Service {
  readonly #options: HealthOptions;
  readonly #loop: Service;
  #seen = new Map<Epoch, Seen>();
  #lookedAt: number;
  #stuck = { is: false, at: 0 };

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#lookedAt = options.clock.monotonic();
    this.#loop = createLoop({ clock: options.clock, everyMs: lookEveryMs, turn: () => this.#look(), onError: () => undefined });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(how: StopOptions): Promise<void> {
    return this.#loop.stop(how);
  }

  /** The consuming watchdog has looked. */
  looked(stuck: boolean): void {
    this.#stuck = { is: stuck, at: this.#options.clock.monotonic() };
  }

  /** It has a place free, and what it asks for messages the store leaves open, although it takes the node's beats. */
  isUnanswered(slots: RunnerSlots): boolean {
    return this.#store().ok && this.#hasRoom(slots) && slots.askingMs > unansweredAfterMs;
  }

  report(): HealthReport {
    const { nodeName, clock, members } = this.#options;
    const lasting = members().filter(({ alone }) => !alone);
    const serving = lasting.filter(({ stage }) => stage === "ready");
    const faults = serving.map((member) => this.#faultOf(member));
    const checks = [this.#runners(serving), this.#consuming(faults), this.#store(), this.#draining()];
    return {
      node: nodeName,
      pid: process.pid,
      ready: checks.every(({ ok }) => ok),
      checks: checks.map((each) => ({ ...each, ageMs: Math.max(0, Math.round(clock.monotonic() - each.ageMs)) })),
      runners: { total: lasting.length, consuming: faults.filter((fault) => fault === null).length },
    };
  }

  #runners(serving: readonly Member[]): HealthCheck {
    const isLeft = serving.length > 0 || this.#options.draining();
    return check("runners", isLeft ? null : "no-runner", this.#lookedAt);
  }

  /** One that takes work is enough: the others are mended, or replaced, meanwhile. */
  #consuming(faults: readonly (HealthCode | null)[]): HealthCheck {
    if (this.#options.queues().length === 0) return check("consuming", "no-queue", this.#options.clock.monotonic());
    if (this.#stuck.is) return check("consuming", "not-consuming", this.#stuck.at);
    const [fault = null] = faults.includes(null) ? [] : faults;
    return check("consuming", fault, this.#lookedAt);
  }

  #store(): HealthCheck {
    const { clock, storeAnsweredAt } = this.#options;
    const at = storeAnsweredAt();
    return check("store", clock.monotonic() - at > storeSilentAfterMs ? "store-silent" : null, at);
  }

  #draining(): HealthCheck {
    const { clock, draining } = this.#options;
    return check("draining", draining() ? "draining" : null, clock.monotonic());
  }

  #faultOf({ epoch }: Member): HealthCode | null {
    const { clock } = this.#options;
    const seen = this.#seen.get(epoch);
    if (seen === undefined) return null;
    if (clock.monotonic() - seen.at > silentAfterMs) return "runner-silent";
    if (seen.slots === null) return null;
    if (!this.#hasRoom(seen.slots)) return null;
    if (seen.slots.loopLagMs > blockedAfterMs) return "runner-blocked";
    return seen.slots.askingMs > unansweredAfterMs ? "reserve-unanswered" : null;
  }

  #hasRoom({ taken }: RunnerSlots): boolean {
    return taken.filter(({ state }) => state === "running").length < this.#options.openSlots();
  }

  async #look(): Promise<undefined> {
    const { members } = this.#options;
    const asked = await Promise.all(members().map(async (member) => [member.epoch, await this.#ask(member)] as const));
    this.#seen = new Map(asked);
    this.#lookedAt = this.#options.clock.monotonic();
    return undefined;
  }

  /** What it said last, if it says nothing now; the silence counts from when it was first asked. */
  async #ask({ epoch, runner }: Member): Promise<Seen> {
    const { clock } = this.#options;
    const at = clock.monotonic();
    const slots = await runner.slots(answerWithinMs).catch(() => null);
    return slots === null ? (this.#seen.get(epoch) ?? { at, slots: null }) : { at: clock.monotonic(), slots };
  }
}

/** `seenAt`: monotonic; the report turns it into an age. */
const check = (name: HealthCheck["name"], code: HealthCode | null, seenAt: number): HealthCheck => ({
  name,
  ok: code === null,
  code,
  ageMs: seenAt,
});
