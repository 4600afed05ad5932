/**
 * All subscriptions of one store on one connection. Asked for in one turn of the event loop, they leave in one command; after a
 * lost connection they are made again, and those who listen are told that they may have missed something.
 */

import { soon } from "../../kernel/soon.ts";
import { silenceMs } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { toFailure } from "./failure.ts";
import type { Link } from "./link.ts";
import { type Arg, type Reply, ReplyError } from "./resp.ts";

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

export interface Hearing {
  heard(channel: string, data: Buffer): void;
  /** Subscribed again after a lost connection. */
  onGap?(): void;
  /** What it hears may be late, or is looked after by other means. @defaultValue false: somebody waits for it */
  readonly patient?: boolean;
  /**
   * A command asked in the same packet right behind the subscription, each time it is made: what it finds and what is heard from
   * then on is everything. `found` gets undefined where the server would not say. Its reply must be short: the server cuts a
   * subscriber off that is slow to read.
   */
  readonly look?: { readonly command: readonly Arg[]; found(reply: Reply | undefined): void };
}

interface Ear {
  readonly names: readonly string[];
  readonly hearing: Hearing;
  readonly confirmed: () => void;
  state: "new" | "on" | "lost";
  /** Its look has not been asked on this connection. */
  lookDue: boolean;
}

/** What nobody listens to any more is given up together with the next subscription, or after so long. */
const surplusMs = 100;
/** A half-open connection never says so. Asked every 2 s while somebody waits for something, else every 16 s. */
const tickMs = 2000;
const patientTicks = 8;
/** Something that did not answer for so long is dropped by its link. */
const pingDeadlineMs = silenceMs + 200;
/** After a subscription that the server refused: a busy one says yes later. */
const firstRetryMs = 200;
const lastRetryMs = 15_000;
/** Both kinds live in one map: a letter tells them apart. */
const channelName = (channel: string) => `c${channel}`;
const patternName = (pattern: string) => `p${pattern}`;

export class Subscriber {
  readonly #link: Link;
  readonly #onFault: (fault: unknown) => void;
  /** Those who listen, by name. */
  readonly #wanted = new Map<string, Set<Ear>>();
  readonly #ears = new Set<Ear>();
  /** Those not confirmed on the present connection, or whose look is due. */
  readonly #waiting = new Set<Ear>();
  /** What the present connection has confirmed. */
  readonly #active = new Set<string>();
  /** Wanted, and neither active nor on its way. */
  readonly #missing = new Set<string>();
  /** Active, and no longer wanted. */
  readonly #surplus = new Set<string>();
  #connection: Connection | undefined;
  #syncing = false;
  #dirty = false;
  #ticking: NodeJS.Timeout | undefined;
  #ticks = 0;
  #pinging = false;
  #tidying: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;

  constructor(link: Link, onFault: (fault: unknown) => void) {
    this.#link = link;
    this.#onFault = onFault;
    link.onReady(() => this.#renew());
    link.onMessage((push) => this.#heard(push));
  }

  add(topics: Topics, hearing: Hearing): Subscription {
    const given = [...(topics.channels ?? []).map(channelName), ...(topics.patterns ?? []).map(patternName)];
    const names = given.length > 1 ? [...new Set(given)] : given;
    let confirmed = () => {};
    const on = new Promise<void>((resolve) => {
      confirmed = resolve;
    });
    const ear: Ear = { names, hearing, confirmed, state: "new", lookDue: hearing.look !== undefined };
    this.#ears.add(ear);
    this.#waiting.add(ear);
    for (const name of names) {
      const ears = this.#wanted.get(name);
      if (ears) ears.add(ear);
      else {
        this.#wanted.set(name, new Set([ear]));
        if (!this.#surplus.delete(name)) this.#missing.add(name);
      }
    }
    this.#changed();
    return { on, close: () => this.#remove(ear) };
  }

  #remove(ear: Ear): void {
    if (!this.#ears.delete(ear)) return;
    this.#waiting.delete(ear);
    for (const name of ear.names) {
      const ears = this.#wanted.get(name);
      ears?.delete(ear);
      if (ears?.size !== 0) continue;
      this.#wanted.delete(name);
      this.#missing.delete(name);
      if (this.#active.has(name)) this.#surplus.add(name);
    }
    ear.confirmed();
    this.#tidying ??= setTimeout(() => {
      this.#tidying = undefined;
      this.#changed();
    }, surplusMs).unref();
  }

  #renew(): void {
    this.#forgetActive();
    for (const ear of this.#ears) {
      if (ear.state === "on") ear.state = "lost";
      ear.lookDue = ear.hearing.look !== undefined;
      this.#waiting.add(ear);
    }
    this.#changed();
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#ears.size > 0) this.#keepAlive();
    if (this.#syncing || this.#link.closed) return;
    this.#syncing = true;
    soon(() => void this.#sync());
  }

  async #sync(): Promise<void> {
    while (this.#dirty && !this.#link.closed) {
      this.#dirty = false;
      try {
        await this.#reconcile();
      } catch (error) {
        // A connection that broke has reported itself, and `#renew` follows when there is another.
        if (error instanceof ReplyError) this.#refused(error);
      }
    }
    this.#syncing = false;
  }

  #refused(error: ReplyError): void {
    if (this.#retryMs === firstRetryMs) this.#onFault(toFailure(error, "SUBSCRIBE", this.#link.name));
    this.#retrying ??= setTimeout(() => {
      this.#retrying = undefined;
      this.#changed();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(lastRetryMs, this.#retryMs * 2);
  }

  #forgetActive(): void {
    this.#active.clear();
    this.#surplus.clear();
    for (const name of this.#wanted.keys()) this.#missing.add(name);
  }

  async #reconcile(): Promise<void> {
    const looking: Ear[] = [];
    for (const ear of this.#waiting) if (ear.lookDue) looking.push(ear);
    if (this.#missing.size + this.#surplus.size + looking.length > 0) {
      const connection = this.#link.established ?? (await this.#link.connection());
      if (connection !== this.#connection) {
        this.#connection = connection;
        this.#forgetActive();
        this.#dirty = true;
        return;
      }
      await this.#ask(connection, looking);
    }
    this.#retryMs = firstRetryMs;
    this.#confirm();
  }

  /** What changes while this is under way is seen by the next round. */
  async #ask(connection: Connection, looking: readonly Ear[]): Promise<void> {
    const missing = [...this.#missing];
    const surplus = [...this.#surplus];
    this.#missing.clear();
    this.#surplus.clear();
    for (const ear of looking) ear.lookDue = false;
    const answers: Promise<void>[] = [];
    for (const [letter, prefix] of kinds) {
      const [more, less] = [bare(missing, letter), bare(surplus, letter)];
      if (more.length > 0) answers.push(connection.subscribe(`${prefix}SUBSCRIBE`, more));
      if (less.length > 0) answers.push(connection.subscribe(`${prefix}UNSUBSCRIBE`, less));
    }
    for (const ear of looking) answers.push(look(connection, ear));
    try {
      await Promise.all(answers);
      for (const name of missing) this.#active.add(name);
      for (const name of surplus) this.#active.delete(name);
    } finally {
      for (const name of missing) this.#place(name);
      for (const name of surplus) this.#place(name);
    }
  }

  /** Where it belongs by now. */
  #place(name: string): void {
    const [wanted, active] = [this.#wanted.has(name), this.#active.has(name)];
    if (wanted && !active) this.#missing.add(name);
    if (!wanted && active) this.#surplus.add(name);
  }

  #heard([kind, name, ...rest]: readonly Reply[]): void {
    const isPattern = String(kind) === "pmessage";
    if (!isPattern && String(kind) !== "message") return;
    const [channel, data] = isPattern ? rest : [name, ...rest];
    const ears = this.#wanted.get(isPattern ? patternName(String(name)) : channelName(String(name)));
    for (const ear of ears ?? []) ear.hearing.heard(String(channel), data as Buffer);
  }

  #confirm(): void {
    for (const ear of this.#waiting) {
      if (ear.lookDue || !ear.names.every((name) => this.#active.has(name))) continue;
      this.#waiting.delete(ear);
      const lost = ear.state === "lost";
      ear.state = "on";
      ear.confirmed();
      if (lost) ear.hearing.onGap?.();
    }
  }

  #keepAlive(): void {
    this.#ticking ??= setInterval(() => this.#tick(), tickMs).unref();
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ears.size === 0 || this.#link.closed) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    } else if (!this.#pinging && this.#isPingDue()) {
      this.#pinging = true;
      // A failure has dropped the connection and reported it; without a connection, this asks for one.
      this.#link
        .call(["PING"], { deadlineMs: pingDeadlineMs })
        .catch(() => undefined)
        .finally(() => {
          this.#pinging = false;
        });
    }
  }

  #isPingDue(): boolean {
    if (this.#link.established === undefined || this.#ticks % patientTicks === 0) return true;
    for (const { hearing } of this.#ears) if (hearing.patient !== true) return true;
    return false;
  }

  close(): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#tidying);
    clearTimeout(this.#retrying);
    for (const ear of this.#ears) ear.confirmed();
    this.#ears.clear();
    this.#waiting.clear();
    this.#wanted.clear();
  }
}

/** The subscription itself says it when the connection breaks. */
async function look(connection: Connection, { hearing }: Ear): Promise<void> {
  if (hearing.look === undefined) return;
  try {
    hearing.look.found(await connection.call(hearing.look.command));
  } catch (error) {
    if (error instanceof ReplyError) hearing.look.found(undefined);
  }
}

const kinds = [
  ["c", ""],
  ["p", "P"],
] as const;

const bare = (names: readonly string[], letter: "c" | "p"): readonly string[] =>
  names.filter((name) => name.startsWith(letter)).map((name) => name.slice(1));
