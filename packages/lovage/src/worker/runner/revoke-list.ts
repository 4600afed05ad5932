/**
 * What the runners of a process know of the durable revokes: a filter of their keys in shared memory, read page by page by one of
 * them for all, as new as the version that the store names with each batch (an unchanged version costs nothing). What the filter
 * may have, and everything while it is not of a batch's version, is asked of the store itself: so a large list neither holds up
 * a start nor is held in full (design.md §3, Revokes).
 */
import { randomInt } from "node:crypto";
import { type KeptRevoke, keysOf, type Revocable, type Revokes, revokeKey, standingFor } from "../../broker/revokes.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { RevokeFilter } from "./revoke-filter.ts";

const pageSize = 2000;
/** Milliseconds between two looks at whether the turn is free, and after which one who gets no further loses it: its thread has ended. */
const [turnLookMs, turnLostMs] = [20, 5000];
const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 2000, jitter: "none" };

export interface RevokeListOptions {
  readonly revokes: Revokes;
  /** Shared by the runners of its process. @defaultValue its own */
  readonly memory?: SharedArrayBuffer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds of the store's clock. */
  storeNow(): number;
  /** There may be new ones that mean what runs. */
  onNews(): void;
}

export class RevokeList {
  readonly #options: RevokeListOptions;
  readonly #filter: RevokeFilter;
  readonly #closing = new AbortController();
  /** Of the runners of this process, and not 0. */
  readonly #self = randomInt(1, 2 ** 31);
  /** What runs here was compared with all up to this version. */
  #toldAt = 0;
  #fetching: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(options: RevokeListOptions) {
    this.#options = options;
    this.#filter = new RevokeFilter(options.memory);
  }

  /** Of the filter. Smaller than before only after the store has lost its own. */
  get version(): number {
    return this.#filter.version;
  }

  /** Whether the filter stands for this version of the store; if not, or if it is news to us, it is read. */
  isCurrent(version: number): boolean {
    if (version !== this.#toldAt) this.refresh().catch(() => undefined); // rejects only when closed
    return version === this.version;
  }

  /** Resolves when it is at least as new as at the time of the call. Tries until the store answers; rejects only when closed. */
  refresh(): Promise<void> {
    if (this.#fetching === undefined) return this.#start();
    // The fetch under way may have looked before the revoke we are asked for was there: one more, for all who ask meanwhile.
    this.#queued ??= this.#fetching.then(() => {
      this.#queued = undefined;
      return this.#start();
    });
    return this.#queued;
  }

  /** Whether the store has to be asked about it. */
  mayRefuse(message: Revocable): boolean {
    const now = this.#options.storeNow();
    return !this.#filter.isEmpty(now) && keysOf(message).some((key) => this.#filter.mayHave(key, now));
  }

  /** Asks the store which of them are revoked, and how. Tries until it answers; rejects only when closed. */
  refused<M extends Revocable>(messages: readonly M[]): Promise<ReadonlyMap<M, KeptRevoke>> {
    return this.#untilAnswered(() => standingFor(this.#options.revokes, messages));
  }

  close(): void {
    this.#closing.abort(new Error("closed"));
    this.#filter.passTurn(this.#self, 0);
  }

  #start(): Promise<void> {
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    for (let isAll = false; !isAll; ) {
      await this.#takeTurn();
      isAll = await this.#untilAnswered(() => this.#fetchPage());
    }
    this.#filter.passTurn(this.#self, 0);
    if (this.#toldAt === this.version) return;
    this.#toldAt = this.version;
    this.#options.onNews();
  }

  async #takeTurn(): Promise<void> {
    const { clock } = this.#options;
    this.#closing.signal.throwIfAborted();
    let [seen, since] = ["", clock.monotonic()];
    while (!this.#hasTurn && !this.#filter.passTurn(0, this.#self)) {
      const { turn, version } = this.#filter;
      const now = clock.monotonic();
      if (seen !== `${turn} ${version}`) [seen, since] = [`${turn} ${version}`, now];
      if (now - since < turnLostMs) await clock.sleep(turnLookMs, this.#closing.signal);
      else this.#filter.passTurn(turn, this.#self);
    }
  }

  get #hasTurn(): boolean {
    return this.#filter.turn === this.#self;
  }

  /** Whether it was the last one. */
  async #fetchPage(): Promise<boolean> {
    const from = this.version;
    const { version, latest, revokes } = await this.#options.revokes.since(from, pageSize);
    // It lost our turn, or the store its versions: from where the filter stands now, or from the start.
    if (!this.#hasTurn) return false;
    const now = this.#options.storeNow();
    for (const revoke of revokes) this.#filter.add(revokeKey(revoke), revoke.expiresAt, now);
    if (this.#hasTurn) this.#filter.publish(latest < from ? 0 : version);
    return latest >= from && version >= latest;
  }

  async #untilAnswered<T>(call: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#options;
    for (let failures = 0; ; failures++) {
      try {
        return await call();
      } catch (error) {
        if (failures === 0) log.warn("runner.revokes-unread", { error });
        await clock.sleep(backoffDelayMs(backoff, failures), this.#closing.signal);
      }
    }
  }
}
