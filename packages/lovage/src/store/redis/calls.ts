/**
 * The calls of one link that wait for an answer. One timer serves all their deadlines, and callbacks tell how they end: a timer
 * and a promise of its own for each would cost a short call more than its bytes do.
 */
import type { Asked, AskOptions, Connection } from "./connection.ts";
import type { Arg, Reply } from "./resp.ts";

/** A call unanswered for so long means that the peer is frozen or gone, whatever its socket says. */
export const silenceMs = 1000;

export interface Wish extends AskOptions {
  /** Of `performance.now()`. */
  readonly until: number;
  readonly deadlineMs: number;
}

/** Exactly one of them is called, once. */
export interface Hearer {
  answered(reply: Reply): void;
  failed(error: unknown, connection: Connection): void;
}

export class Calls {
  readonly #onSilent: (connection: Connection) => void;
  /** Those that can still miss their deadline. */
  readonly #due = new Set<Call>();
  /** The timer is for the earliest of them; when that one is over in time it stays, and finds the next. */
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #pending = 0;
  #lastProgress = 0;
  #onIdle: (() => void) | undefined;

  /** `onSilent`: a call missed its deadline, and no other was answered for long. */
  constructor(onSilent: (connection: Connection) => void) {
    this.#onSilent = onSilent;
  }

  send(connection: Connection, args: readonly Arg[], wish: Wish, hearer: Hearer): void {
    if (this.#pending === 0) this.#lastProgress = performance.now();
    this.#pending += 1;
    const call = new Call(this, connection, wish.until, hearer);
    this.#due.add(call);
    if (call.until < this.#timerAt) this.#wait(call.until);
    connection.ask(args, call, wish);
  }

  /** Its answer came, in time or not, or can come no more. */
  settled(call: Call): void {
    this.#due.delete(call);
    this.#pending -= 1;
    this.#lastProgress = performance.now();
    if (this.#pending === 0) this.#onIdle?.();
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Whoever waits has a connection open, which keeps the process alive. */
  #wait(until: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = until;
    this.#timer = setTimeout(() => this.#look(), Math.max(1, until - performance.now())).unref();
  }

  #look(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const call of this.#due) {
      if (call.until > now) next = Math.min(next, call.until);
      else {
        this.#due.delete(call);
        call.expire();
        if (now - this.#lastProgress >= silenceMs) this.#onSilent(call.connection);
      }
    }
    if (next < this.#timerAt) this.#wait(next);
  }
}

class Call implements Asked {
  readonly connection: Connection;
  readonly until: number;
  readonly #calls: Calls;
  #hearer: Hearer | undefined;

  constructor(calls: Calls, connection: Connection, until: number, hearer: Hearer) {
    this.#calls = calls;
    this.connection = connection;
    this.until = until;
    this.#hearer = hearer;
  }

  resolve(reply: Reply): void {
    this.#calls.settled(this);
    this.#hearer?.answered(reply);
  }

  reject(error: Error): void {
    this.#calls.settled(this);
    this.#hearer?.failed(error, this.connection);
  }

  expire(): void {
    const hearer = this.#hearer;
    this.#hearer = undefined;
    hearer?.failed(new Error("no answer within the deadline"), this.connection);
  }
}
