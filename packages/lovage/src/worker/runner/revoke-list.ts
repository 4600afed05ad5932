/**
 * The runner's copy of the durable revokes. It is as new as the version that the store names with each batch: an unchanged
 * version costs nothing, and no message starts before a newer one was fetched (design.md §3, Revokes).
 */
import { type Revoke, type Revokes, stampTexts } from "../../broker/revokes.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskMessage } from "../../message/task-message.ts";

/** Revokes expire in the store, not here: above this many the copy is thrown away and read anew. */
const mostKept = 50_000;
const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 2000, jitter: "none" };

export interface RevokeListOptions {
  readonly revokes: Revokes;
  readonly clock: Clock;
  readonly log: Logger;
  /** New ones have come: what runs may be among them. */
  onNew(revokes: readonly Revoke[]): void;
}

export class RevokeList {
  readonly #options: RevokeListOptions;
  readonly #ids = new Map<string, Revoke>();
  readonly #roots = new Map<string, Revoke>();
  readonly #stamps = new Map<string, Revoke>();
  readonly #closing = new AbortController();
  #version = 0;
  #fetching: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(options: RevokeListOptions) {
    this.#options = options;
  }

  isCurrent(version: number): boolean {
    return version <= this.#version;
  }

  /** Resolves when the copy is at least as new as at the time of the call. Tries until the store answers; rejects only when closed. */
  refresh(): Promise<void> {
    if (this.#fetching === undefined) return this.#start();
    // The fetch under way may have looked before the revoke we are asked for was there: one more, for all who ask meanwhile.
    this.#queued ??= this.#fetching.then(() => {
      this.#queued = undefined;
      return this.#start();
    });
    return this.#queued;
  }

  find(message: TaskMessage): Revoke | undefined {
    if (this.#size === 0) return undefined;
    return this.#ids.get(message.id) ?? this.#roots.get(message.rootId ?? message.id) ?? this.#byStamp(message);
  }

  get #size(): number {
    return this.#ids.size + this.#roots.size + this.#stamps.size;
  }

  #byStamp({ stamps }: TaskMessage): Revoke | undefined {
    if (this.#stamps.size === 0) return undefined;
    const found = stampTexts(stamps).find((text) => this.#stamps.has(text));
    return found === undefined ? undefined : this.#stamps.get(found);
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
    const { clock, log } = this.#options;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#fetchOnce();
      } catch (error) {
        if (failures === 0) log.warn("runner.revokes-unread", { error });
        await clock.sleep(backoffDelayMs(backoff, failures), this.#closing.signal);
      }
    }
  }

  async #fetchOnce(): Promise<void> {
    const full = this.#size > mostKept;
    const { version, revokes } = await this.#options.revokes.since(full ? 0 : this.#version);
    if (full) {
      this.#ids.clear();
      this.#roots.clear();
      this.#stamps.clear();
    }
    const kept = { id: this.#ids, root: this.#roots, stamp: this.#stamps };
    for (const revoke of revokes) kept[revoke.by].set(revoke.value, revoke);
    this.#version = Math.max(this.#version, version);
    if (revokes.length > 0) this.#options.onNew(revokes);
  }
}
