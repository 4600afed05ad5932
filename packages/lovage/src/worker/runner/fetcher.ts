/**
 * Decides how many messages to ask for and when: exactly as many as there is room for, at most 64 per call, and at most
 * a third of what the runner can hold (half, if that is little), so that one part runs while the others are on the wire.
 * Numbers the calls; says `idle` and `full` to the supervisor. Sends no call itself: `Wire` does, together with the commits.
 */
import type { ReserveCall, Reserved } from "../../broker/broker.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";

/** 64: beyond it nothing is gained (performance.md, Batch). */
const mostPerCall = 64;
/** Milliseconds between two `full` messages: under steady load the news is old. */
const fullEveryMs = 10;

/** From so many on, a call of a third of them is large enough to be worth a place beside another. */
const manySlots = 24;

export interface FetcherOptions {
  readonly epoch: Epoch;
  readonly queues: readonly QueueName[];
  /** Deliveries that a runner with nothing suspended may hold. */
  readonly capacity: number;
  readonly clock: Clock;
  /** Every so many-th call begins at the least urgent priority; null: none does. */
  readonly lowestFirstEvery: number | null;
  /** How many more deliveries it may hold, once `releasing` of those it has are settled. */
  room(releasing: number): number;
  /** Whether it holds nothing, once `releasing` of its deliveries are settled. */
  isEmpty(releasing: number): boolean;
  say(what: "idle" | "full"): void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #share: number;
  /** Deliveries that calls on the wire ask for, less those they release. */
  #onWire = 0;
  #queues: readonly QueueName[];
  #number = 0;
  /** There may be something in the queues. */
  #hungry = true;
  /** Its last outcome has left alone: now it asks to be handed the next message. */
  #standByDue = false;
  #saidIdle = false;
  #stopped = false;
  /** A wake-up came while a call was on the wire: that call may have looked before the message was there. */
  #wokenMeanwhile = false;
  #lastFull = Number.NEGATIVE_INFINITY;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#queues = options.queues;
    const parts = options.capacity >= manySlots ? 3 : 2;
    this.#share = Math.min(mostPerCall, Math.max(1, Math.ceil(options.capacity / parts)));
  }

  /** The next call, if one is worth making; `releasing`: commits that go with it, which make it worth making in any case. */
  next(releasing: number): ReserveCall | undefined {
    if (this.#stopped || this.#queues.length === 0) return undefined;
    if (!this.#hungry && releasing === 0 && !this.#standByDue) return undefined;
    const count = Math.min(this.#share, this.#options.room(releasing) - this.#onWire);
    if (count <= 0) return undefined;
    const standBy = this.#onWire === 0 && this.#options.isEmpty(releasing);
    // Nothing is known to wait: whoever waits for the outcome need not wait for our question as well.
    this.#standByDue = standBy && !this.#hungry && releasing > 0;
    if (this.#standByDue) return undefined;
    this.#number += 1;
    this.#wokenMeanwhile = false;
    const { epoch, lowestFirstEvery } = this.#options;
    const plain: ReserveCall = { epoch, number: this.#number, queues: this.#queues, count };
    const call = lowestFirstEvery !== null && this.#number % lowestFirstEvery === 0 ? { ...plain, lowestFirst: true } : plain;
    return standBy ? { ...call, standBy: true } : call;
  }

  /** A call that asks for so many more than it releases has left; a negative number when it is answered. */
  onWire(more: number): void {
    this.#onWire += more;
  }

  /** Whether so many outcomes are worth a call beside the one that is on the wire. */
  isWellFilled(outcomes: number): boolean {
    return this.#share >= manySlots / 3 && outcomes * 2 >= this.#share;
  }

  received(call: ReserveCall, reserved: Reserved): void {
    if (this.#stopped) return;
    const full = reserved.deliveries.length >= call.count;
    this.#hungry = full || this.#wokenMeanwhile;
    if (full) this.#sayFull();
    else if (!this.#hungry) this.#sayIdle();
  }

  wake(): void {
    this.#hungry = true;
    this.#saidIdle = false;
    this.#wokenMeanwhile = true;
  }

  listenTo(queues: readonly QueueName[]): void {
    this.#queues = queues;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  #sayIdle(): void {
    if (this.#saidIdle) return;
    this.#saidIdle = true;
    this.#options.say("idle");
  }

  #sayFull(): void {
    this.#saidIdle = false;
    const now = this.#options.clock.monotonic();
    if (now - this.#lastFull < fullEveryMs) return;
    this.#lastFull = now;
    this.#options.say("full");
  }
}
