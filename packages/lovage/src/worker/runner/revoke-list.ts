/**
 * What the runner knows of the durable revokes: a filter of their keys, read page by page, as new as the version that the store
 * names with each batch (an unchanged version costs nothing). What the filter may have, and everything while it is older than
 * a batch, is asked of the store itself: so a large list neither holds up a start nor is held in full (design.md §3, Revokes).
 */
import { keysOf, type Revocable, type Revoke, type Revokes, revokeKey } from "../../broker/revokes.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { RevokeFilter } from "./revoke-filter.ts";

const pageSize = 2000;
const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 2000, jitter: "none" };

export interface RevokeListOptions {
  readonly revokes: Revokes;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds of the store's clock. */
  storeNow(): number;
  /** New ones have come that stop what runs. */
  onTerminating(revokes: readonly Revoke[]): void;
}

export class RevokeList {
  readonly #options: RevokeListOptions;
  readonly #filter = new RevokeFilter();
  readonly #closing = new AbortController();
  #version = 0;
  #fetching: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(options: RevokeListOptions) {
    this.#options = options;
  }

  /** Grows with what it learns. */
  get version(): number {
    return this.#version;
  }

  isCurrent(version: number): boolean {
    return version <= this.#version;
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
    if (this.#filter.isEmpty) return false;
    this.#filter.dropExpired(this.#options.storeNow());
    return keysOf(message).some((key) => this.#filter.mayHave(key));
  }

  /** Asks the store which of them are revoked. Tries until it answers; rejects only when closed. */
  async refused<M extends Revocable>(messages: readonly M[]): Promise<ReadonlySet<M>> {
    const keys = messages.map(keysOf);
    const standing = await this.#untilAnswered(() => this.#options.revokes.standing(keys.flat()));
    const found = standing.values();
    return new Set(messages.filter((_, i) => keys[i]?.map(() => found.next().value).some((revoke) => revoke !== undefined)));
  }

  close(): void {
    this.#closing.abort(new Error("closed"));
  }

  #start(): Promise<void> {
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    for (let isAll = false; !isAll; ) isAll = await this.#untilAnswered(() => this.#fetchPage());
  }

  async #fetchPage(): Promise<boolean> {
    const { version, latest, revokes } = await this.#options.revokes.since(this.#version, pageSize);
    for (const revoke of revokes) this.#filter.add(revokeKey(revoke), revoke.expiresAt);
    this.#version = Math.max(this.#version, version);
    const terminating = revokes.filter(({ terminate }) => terminate);
    if (terminating.length > 0) this.#options.onTerminating(terminating);
    return version >= latest;
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
