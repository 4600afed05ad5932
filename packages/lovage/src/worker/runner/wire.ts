/**
 * The runner's conversation with the broker. A call carries the outcomes that are ready and asks for the next messages; what
 * becomes ready meanwhile joins the next call. A second call leaves while the first is on the wire only when it is well filled:
 * then store and runner work at the same time. A call of unknown outcome is made again, alone and with the same number, until
 * the store answers; then both sides compare what they hold. Knows no tasks: `Committer` and `Fetcher` say what to send,
 * `onReserved` and `onReconciled` hear what came.
 */
import type { Committed, ReserveCall, Reserved } from "../../broker/broker.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { Store } from "../../store/store.ts";
import type { Attempt } from "../../upkeep/attempt.ts";
import type { Committer } from "./committer.ts";
import type { Fetcher } from "./fetcher.ts";

/** The first tries come fast, for a hiccup; a server that restarts is asked every second. */
const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 1000, jitter: "none" };

export interface WireOptions {
  readonly epoch: Epoch;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly fetcher: Fetcher;
  readonly committer: Committer;
  /** Takes the deliveries into the holdings, and returns what starts them: called when the next call has left. */
  onReserved(reserved: Reserved): () => void;
  /** What the store holds for this epoch. */
  onReconciled(inStore: readonly Delivery[]): void;
  onFenced(): void;
  /** Nothing is on the wire. */
  onQuiet(): void;
  /** How long the store has not answered; 0: it does again. */
  onStoreDown(forMs: number): void;
  /** A question for messages is open from now on; false: none is. */
  onAsking(asking: boolean): void;
}

interface Call {
  readonly attempts: readonly Attempt[];
  readonly reserve: ReserveCall | undefined;
  /** Deliveries it asks for, less those it releases: what the fetcher counts until it is answered. */
  readonly more: number;
  /** Nothing may join it: it is to show which outcome fails. */
  readonly alone?: boolean;
}

/** Calls on the wire at a time, while all is well. A third gained nothing (`npm run bench`, drain). */
const mostOnWire = 2;
/** After so many calls in a row the loop gets a turn, however fast the store answers. */
const callsPerTurn = 16;
/** A call that fails so often, and not because the store is away, is taken apart to find the outcome it fails for. */
const triesBeforeIsolation = 3;

export class Wire {
  readonly #options: WireOptions;
  #onWire = 0;
  #scheduled = false;
  #closed = false;
  #callsThisTurn = 0;
  /** Made, and not answered; oldest first. */
  readonly #unknown: Call[] = [];
  #failures = 0;
  #downSince = 0;
  /** Questions for messages that are on the wire, and whether one has been open since before. */
  #asked = 0;
  #asking = false;
  #reconcileDue = false;
  #comparing = false;
  /** Calls since the last comparison. */
  #calls = 0;
  readonly #closing = new AbortController();

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /**
   * Something is ready, or there is room. With nothing on the wire a call leaves as soon as the present callback is over; else at
   * the end of this turn of the loop, so that its neighbours go with it.
   */
  poke(): void {
    if (this.#scheduled || this.#closed || this.#onWire >= mostOnWire) return;
    this.#scheduled = true;
    const leave = () => {
      this.#scheduled = false;
      this.#talk();
      if (this.#onWire === 0) this.#options.onQuiet();
    };
    if (this.#onWire === 0 && this.#callsThisTurn < callsPerTurn) process.nextTick(leave);
    else setImmediate(leave);
  }

  /** Compare with the store at the next occasion, unless nothing happened since the last time that we know of. */
  reconcile(): void {
    if (this.#calls > 0) this.compare();
  }

  compare(): void {
    this.#reconcileDue = true;
    this.poke();
  }

  /** Nothing is on the wire and nothing waits to be. */
  get quiet(): boolean {
    return this.#onWire === 0 && !this.#scheduled && this.#unknown.length === 0 && this.#options.committer.pending === 0;
  }

  close(): void {
    this.#closed = true;
    this.#closing.abort();
  }

  /** Makes the calls there are to make. */
  #talk(): void {
    while (!this.#closed && this.#callsThisTurn < callsPerTurn) {
      const step = this.#nextStep();
      if (step === undefined) return;
      this.#callsThisTurn += 1;
      // Not with the first: few turns see a second one.
      if (this.#callsThisTurn === callsPerTurn / 2) setImmediate(() => (this.#callsThisTurn = 0));
      this.#onWire += 1;
      void step.then(
        (start) => this.#over(start),
        (error: unknown) => {
          this.#options.log.error("runner.wire-broken", { error });
          this.#over(undefined);
        },
      );
    }
    this.poke();
  }

  /** What an answer brought is started when the next call has left. */
  #over(start: (() => void) | undefined): void {
    this.#onWire -= 1;
    this.#talk();
    start?.();
    if (this.#onWire === 0) this.#options.onQuiet();
  }

  /** What goes on the wire now, beside what is there already; undefined: nothing, or not yet. */
  #nextStep(): Promise<(() => void) | undefined> | undefined {
    const alone = this.#onWire === 0;
    if (this.#unknown.length > 0 || this.#failures > 0 || this.#reconcileDue || this.#comparing) {
      if (!alone) return undefined;
      if (this.#reconcileDue && this.#unknown.length === 0) return this.#compare();
    } else if (!alone && (this.#onWire >= mostOnWire || !this.#options.fetcher.isWellFilled(this.#options.committer.pending)))
      return undefined;
    const call = this.#nextCall();
    return call === undefined ? undefined : this.#make(call);
  }

  #nextCall(): Call | undefined {
    const { committer, fetcher } = this.#options;
    const unknown = this.#unknown.shift();
    if (unknown?.alone === true) return unknown;
    const ready = committer.take();
    const attempts = unknown === undefined || unknown.attempts.length === 0 ? ready : [...unknown.attempts, ...ready];
    if (unknown !== undefined) return { attempts, reserve: unknown.reserve, more: unknown.more };
    const reserve = fetcher.next(attempts.length);
    if (attempts.length === 0 && reserve === undefined) return undefined;
    const more = (reserve?.count ?? 0) - attempts.length;
    fetcher.onWire(more);
    return { attempts, reserve, more };
  }

  #make(call: Call): Promise<(() => void) | undefined> {
    this.#calls += 1;
    if (call.reserve !== undefined) this.#asks();
    return this.#sent(call).then(
      (committed) => this.#done(call, committed),
      async (error: unknown) => {
        if (call.reserve !== undefined) this.#asked -= 1;
        await this.#failed(error, call);
        return undefined;
      },
    );
  }

  #done(call: Call, committed: Partial<Committed>): (() => void) | undefined {
    const { committer, fetcher, onReserved } = this.#options;
    const { attempts, reserve } = call;
    if (reserve !== undefined) this.#wasTold();
    if (this.#closed) return undefined;
    this.#answered();
    fetcher.onWire(-call.more);
    if (committed.replies !== undefined) committer.answered(attempts, committed.replies);
    if (reserve === undefined || committed.reserved === undefined) return undefined;
    const start = onReserved(committed.reserved);
    fetcher.received(reserve, committed.reserved);
    return start;
  }

  /** A question that failed stays open: it is asked again. */
  #asks(): void {
    this.#asked += 1;
    if (this.#asking) return;
    this.#asking = true;
    this.#options.onAsking(true);
  }

  #wasTold(): void {
    this.#asked -= 1;
    this.#asking = this.#asked > 0;
    this.#options.onAsking(this.#asking);
  }

  /** What a broker throws before it has a promise fails the call as well: nothing of it may end the runner. */
  #sent(call: Call): Promise<Partial<Committed>> {
    try {
      return this.#send(call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send({ attempts, reserve }: Call): Promise<Partial<Committed>> {
    const { epoch, store } = this.#options;
    if (attempts.length === 0 && reserve !== undefined) return store.broker.reserve(reserve).then((reserved) => ({ reserved }));
    const batch = attempts.map((attempt) => attempt.commit);
    return store.broker.commit(epoch, batch, reserve === undefined ? {} : { reserveNext: reserve });
  }

  async #compare(): Promise<undefined> {
    const { epoch, store, onReconciled } = this.#options;
    this.#reconcileDue = false;
    this.#comparing = true;
    this.#calls = 0;
    let inStore: readonly Delivery[];
    try {
      inStore = await store.leases.held(epoch);
    } catch (error) {
      this.#reconcileDue = true;
      await this.#failed(error, undefined);
      return;
    } finally {
      this.#comparing = false;
    }
    if (this.#closed) return;
    this.#answered();
    onReconciled(inStore);
  }

  #answered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#options.log.info("runner.store-back", { downMs: Math.round(this.#options.clock.monotonic() - this.#downSince) });
    this.#options.onStoreDown(0);
  }

  /** Nothing is given up: the call is made again, with whatever became ready in the meantime. */
  async #failed(error: unknown, call: Call | undefined): Promise<void> {
    const { clock, log, onFenced, onStoreDown } = this.#options;
    if (this.#closed) return;
    if (isLovageError(error, "LOVAGE_EPOCH_CLOSED")) return onFenced();
    if (call !== undefined) this.#keep(call, error);
    if (this.#failures === 0) this.#downSince = clock.monotonic();
    const forMs = Math.round(clock.monotonic() - this.#downSince);
    if (this.#failures % 10 === 0) log.warn("runner.store-down", { forMs, error });
    onStoreDown(forMs);
    const pauseMs = backoffDelayMs(backoff, this.#failures);
    this.#failures += 1;
    await clock.sleep(pauseMs, this.#closing.signal).catch(() => undefined);
  }

  #keep(call: Call, error: unknown): void {
    this.#unknown.push(call);
    this.#reconcileDue = true;
    for (const attempt of call.attempts) attempt.maybeApplied = true;
    if (this.#failures >= triesBeforeIsolation && !isAway(error)) this.#isolate(call, error);
  }

  /** Not the store but something in this call fails it: outcomes go one by one, and the one that still fails is refused. */
  #isolate({ attempts: [first, ...others], reserve, more }: Call, error: unknown): void {
    const { committer, fetcher } = this.#options;
    if (first === undefined) return;
    this.#unknown.pop();
    committer.putBack(others);
    if (others.length > 0) {
      this.#unknown.push({ attempts: [first], reserve, more, alone: true });
      return;
    }
    const { code = "LOVAGE_COMMIT_FAILED", message = String(error) } = error as { code?: string; message?: string };
    if (reserve !== undefined) this.#unknown.push({ attempts: [], reserve, more });
    else fetcher.onWire(-more);
    committer.answered([first], [{ kind: "refused", code, message }]);
  }
}

/** A server that lets nobody in, or is not the one it was, has refused no outcome. */
const isAway = (error: unknown): boolean =>
  isLovageError(error) && (error.name === "BrokerUnavailableError" || error.name === "ConfigError");
