/**
 * All subscriptions of one store on one connection. Asked for in one turn of the event loop, they leave in one command; after a
 * lost connection they are made again, and those who listen are told that they may have missed something.
 */

import type { RawClient } from "./client.ts";
import { isReplyError, toFailure } from "./failure.ts";
import type { Link } from "./link.ts";

export interface Subscription {
  /** Resolves once the server has confirmed all of it; never rejects. */
  readonly on: Promise<void>;
  close(): void;
}

export interface Topics {
  readonly channels?: readonly string[];
  /** Redis glob patterns. */
  readonly patterns?: readonly string[];
}

interface Ear {
  readonly names: readonly string[];
  readonly heard: (channel: string, data: Buffer) => void;
  /** Subscribed again after a lost connection. */
  readonly onGap: () => void;
  readonly confirmed: () => void;
  state: "new" | "on" | "lost";
}

/** A half-open connection never says so: asked every 15 s, it is found dead within the deadline of a call. */
const pingMs = 15_000;
/** Both kinds live in one map: a letter tells them apart. */
const channelName = (channel: string) => `c${channel}`;
const patternName = (pattern: string) => `p${pattern}`;

export class Subscriber {
  readonly #link: Link;
  readonly #onFault: (fault: unknown) => void;
  /** Those who listen, by name. */
  readonly #wanted = new Map<string, Set<Ear>>();
  readonly #ears = new Set<Ear>();
  /** What the present connection has confirmed, with the function it calls. */
  readonly #active = new Map<string, (data: Buffer, channel: Buffer) => void>();
  #client: RawClient | undefined;
  #syncing = false;
  #dirty = false;
  #pinging: NodeJS.Timeout | undefined;

  constructor(link: Link, onFault: (fault: unknown) => void) {
    this.#link = link;
    this.#onFault = onFault;
    link.onReady(() => this.#renew());
  }

  add(topics: Topics, heard: Ear["heard"], onGap: () => void = () => {}): Subscription {
    const names = [...new Set([...(topics.channels ?? []).map(channelName), ...(topics.patterns ?? []).map(patternName)])];
    let confirmed = () => {};
    const on = new Promise<void>((resolve) => {
      confirmed = resolve;
    });
    const ear: Ear = { names, heard, onGap, confirmed, state: "new" };
    this.#ears.add(ear);
    for (const name of names) {
      const ears = this.#wanted.get(name);
      if (ears) ears.add(ear);
      else this.#wanted.set(name, new Set([ear]));
    }
    this.#changed();
    return { on, close: () => this.#remove(ear) };
  }

  #remove(ear: Ear): void {
    if (!this.#ears.delete(ear)) return;
    for (const name of ear.names) {
      const ears = this.#wanted.get(name);
      ears?.delete(ear);
      if (ears?.size === 0) this.#wanted.delete(name);
    }
    ear.confirmed();
    this.#changed();
  }

  #renew(): void {
    this.#active.clear();
    for (const ear of this.#ears) if (ear.state === "on") ear.state = "lost";
    this.#changed();
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#syncing || this.#link.closed) return;
    this.#syncing = true;
    queueMicrotask(() => void this.#sync());
  }

  async #sync(): Promise<void> {
    while (this.#dirty && !this.#link.closed) {
      this.#dirty = false;
      try {
        await this.#reconcile();
      } catch (error) {
        // A connection that broke has reported itself, and `#renew` follows when there is another.
        if (isReplyError(error)) this.#onFault(toFailure(error, "SUBSCRIBE", this.#link.name));
      }
    }
    this.#syncing = false;
  }

  async #reconcile(): Promise<void> {
    const missing = [...this.#wanted.keys()].filter((name) => !this.#active.has(name));
    const surplus = [...this.#active.keys()].filter((name) => !this.#wanted.has(name));
    if (missing.length + surplus.length > 0) {
      const client = await this.#link.client();
      if (client !== this.#client) {
        this.#client = client;
        this.#active.clear();
        this.#dirty = true;
        return;
      }
      await this.#subscribe(client, missing);
      await this.#unsubscribe(client, surplus);
    }
    this.#confirm();
    this.#keepAlive();
  }

  async #subscribe(client: RawClient, names: readonly string[]): Promise<void> {
    const made = names.map((name) => [name, this.#hearing(name)] as const);
    // Registered first: a message may come in the same packet as the confirmation.
    for (const [name, hear] of made) this.#active.set(name, hear);
    const channels = made.filter(([name]) => name.startsWith("c"));
    const patterns = made.filter(([name]) => name.startsWith("p"));
    await Promise.all([
      ...(channels.length > 0 ? [client.subscribe(channels.map(bare), this.#hearChannel, true)] : []),
      ...patterns.map(([name, hear]) => client.pSubscribe([name.slice(1)], hear, true)),
    ]);
  }

  async #unsubscribe(client: RawClient, names: readonly string[]): Promise<void> {
    const channels = names.filter((name) => name.startsWith("c"));
    const patterns = names.filter((name) => name.startsWith("p"));
    const hears = new Map(names.map((name) => [name, this.#active.get(name)]));
    for (const name of names) this.#active.delete(name);
    await Promise.all([
      ...(channels.length > 0
        ? [
            client.unsubscribe(
              channels.map((name) => name.slice(1)),
              this.#hearChannel,
              true,
            ),
          ]
        : []),
      ...patterns.map((name) => client.pUnsubscribe([name.slice(1)], hears.get(name) ?? (() => {}), true)),
    ]);
  }

  readonly #hearChannel = (data: Buffer, channel: Buffer): void => {
    const name = channel.toString();
    this.#active.get(channelName(name))?.(data, channel);
  };

  #hearing(name: string): (data: Buffer, channel: Buffer) => void {
    return (data, channel) => {
      for (const ear of this.#wanted.get(name) ?? []) ear.heard(channel.toString(), data);
    };
  }

  #confirm(): void {
    for (const ear of this.#ears) {
      if (ear.state === "on" || !ear.names.every((name) => this.#active.has(name))) continue;
      const lost = ear.state === "lost";
      ear.state = "on";
      ear.confirmed();
      if (lost) ear.onGap();
    }
  }

  #keepAlive(): void {
    clearTimeout(this.#pinging);
    if (this.#ears.size === 0 || this.#link.closed) return;
    this.#pinging = setTimeout(() => {
      // A failure has dropped the connection and reported it.
      this.#link
        .call(["PING"])
        .catch(() => undefined)
        .finally(() => this.#keepAlive());
    }, pingMs);
    this.#pinging.unref();
  }

  close(): void {
    clearTimeout(this.#pinging);
    for (const ear of this.#ears) ear.confirmed();
    this.#ears.clear();
    this.#wanted.clear();
  }
}

const bare = ([name]: readonly [string, unknown]): string => name.slice(1);
