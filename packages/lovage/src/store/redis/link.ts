/**
 * One role's connection to the server. It connects when first used, and again by itself after any failure, each time with a
 * new `Connection`, so that nothing of a broken one is carried over. It knows when a call has gone unanswered for too long, which a
 * frozen or half-open peer never says. It does not know what is in the calls.
 */
import type { LookupFunction } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerUnavailableError, ConfigError } from "../../kernel/errors.ts";
import { storeClosed } from "../refusals.ts";
import { Calls, silenceMs, type Wish } from "./calls.ts";
import { type Connection, ConnectionLostError, openConnection } from "./connection.ts";
import { greetingFailure, toFailure } from "./failure.ts";
import { type Arg, type Reply, ReplyError } from "./resp.ts";
import type { LuaScript } from "./script.ts";
import { at, findMaster } from "./sentinel.ts";
import type { Endpoint } from "./url.ts";

export interface LinkOptions {
  readonly endpoint: Endpoint;
  /** Resolves host names. @defaultValue the system's */
  readonly lookup?: LookupFunction | undefined;
  /** Shown in CLIENT LIST: `lovage:<role>`. */
  readonly role: string;
  /** Default of each call. */
  readonly deadlineMs: number;
  readonly onFault: (fault: unknown) => void;
  /** Called with each new connection before it serves. A ConfigError ends all waiting calls. */
  readonly prepare?: (connection: Connection) => Promise<void>;
  /** The server is asked to say when keys that this connection read are touched; where it will not, `onRefused` hears why. */
  readonly tracking?: { readonly onTouched: (key: string | null) => void; readonly onRefused: (error: Error) => void };
}

export interface CallOptions {
  /** @defaultValue the link's */
  readonly deadlineMs?: number | undefined;
  /** See `AskOptions`. @defaultValue false */
  readonly othersFirst?: boolean;
}

const firstRetryMs = 50;
const lastRetryMs = 500;
/** A connection that lasted no longer did not work. */
const shortMs = 1000;
/** Losses of short-lived connections in a row that are reported; the next ones are the same story. */
const reportedLosses = 4;
/** Replies that say "not now": the script did not run. */
const later = /^(LOADING|READONLY|MASTERDOWN|MISCONF|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|UNBLOCKED)\b/;
/** A replica says so for ever; the name may lead to its master by now. */
const elsewhere = /^(READONLY|MASTERDOWN)\b/;

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #onReady = new Set<() => void>();
  readonly #onMessage = new Set<(push: readonly Reply[]) => void>();
  readonly #closing = new AbortController();
  readonly #calls = new Calls((connection) => this.#drop(connection, new Error(`no answer for ${silenceMs} ms`)));
  #connection: Connection | undefined;
  #connecting = false;
  #openedAt = 0;
  /** Connections in a row that did not live long. */
  #shortLived = 0;
  #closed = false;
  #generation = 0;
  #lastFailure: unknown;
  #tracks: boolean;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#tracks = options.tracking !== undefined;
  }

  /** Grows with each new connection: what is remembered "once per connection" is void when it changes. */
  get generation(): number {
    return this.#generation;
  }

  /** Of the server, for people. */
  get name(): string {
    return this.#options.endpoint.name;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The present connection, if there is one. */
  get established(): Connection | undefined {
    return this.#connection;
  }

  /** Calls `listener` with each new connection; returns what takes it off. */
  onReady(listener: () => void): () => void {
    this.#onReady.add(listener);
    return () => this.#onReady.delete(listener);
  }

  /** Calls `listener` with each message of a subscription, `[kind, …]`, whichever connection it comes on. */
  onMessage(listener: (push: readonly Reply[]) => void): void {
    this.#onMessage.add(listener);
  }

  /** Starts connecting, if that was not done before. */
  start(): void {
    if (!this.#connection && !this.#connecting && !this.#closed) void this.#connect();
  }

  /**
   * A script by its hash, or whole where the server has not seen it. It may run more than once: a reply can be lost. `read` makes
   * of the reply what is resolved to; what it throws rejects.
   * @throws {StoreRefusedError} what the server refuses for good.
   * @throws {BrokerUnavailableError} LOVAGE_BROKER_FULL when it is out of memory; LOVAGE_BROKER_UNAVAILABLE after the deadline; `details.maybeAccepted` says whether it may have run.
   */
  run<T = Reply>(
    script: LuaScript,
    keys: readonly Arg[],
    args: readonly Arg[],
    options: CallOptions = {},
    read = (reply: Reply) => reply as T,
  ): Promise<T> {
    const command = ["EVALSHA", script.sha1, String(keys.length), ...keys, ...args];
    const wish = this.#wish(options);
    return new Promise((resolve, reject) => {
      const answered = (reply: Reply) => {
        try {
          resolve(read(reply));
        } catch (error) {
          reject(error);
        }
      };
      const failed = (error: unknown) => {
        const isUnknown = error instanceof ReplyError && error.message.startsWith("NOSCRIPT");
        if (isUnknown) this.#call(["EVAL", script.source, ...command.slice(2)], wish, answered, failed);
        else reject(toFailure(error, script.name, this.#options.endpoint.name));
      };
      this.#call(command, wish, answered, failed);
    });
  }

  /** A plain command, one that may run twice. */
  call(args: readonly Arg[], options: CallOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) => reject(toFailure(error, String(args[0]), this.#options.endpoint.name));
      this.#call(args, this.#wish(options), resolve, failed);
    });
  }

  #wish({ deadlineMs = this.#options.deadlineMs, othersFirst = false }: CallOptions): Wish {
    return { until: performance.now() + deadlineMs, deadlineMs, othersFirst };
  }

  #call(args: readonly Arg[], wish: Wish, answered: (reply: Reply) => void, failed: (error: unknown) => void): void {
    const again = (cause?: unknown, tried?: Connection) => void this.#insist(args, wish, cause, tried).then(answered, failed);
    if (this.#connection === undefined) again();
    else this.#calls.send(this.#connection, args, wish, { answered, failed: again });
  }

  /** `cause`: why it failed on the connection `tried`; undefined: it was not tried yet. */
  async #insist(args: readonly Arg[], wish: Wish, cause: unknown, tried: Connection | undefined): Promise<Reply> {
    const { until, deadlineMs } = wish;
    let maybeAccepted = false;
    let failure = cause;
    let connection = tried;
    for (;;) {
      if (failure instanceof ReplyError) {
        if (!later.test(failure.message)) throw failure;
        if (connection !== undefined && elsewhere.test(failure.message)) this.#drop(connection, failure);
        await sleep(Math.min(100, Math.max(0, until - performance.now())));
      } else if (failure !== undefined && (!(failure instanceof ConnectionLostError) || failure.sent)) maybeAccepted = true;
      if (failure !== undefined && performance.now() >= until) throw this.#unavailable(deadlineMs, maybeAccepted, failure);
      const next: Connection = this.#connection ?? (await this.#ready(until, maybeAccepted, deadlineMs));
      connection = next;
      try {
        return await new Promise((answered, failed) => this.#calls.send(next, args, wish, { answered, failed }));
      } catch (error) {
        failure = error;
      }
    }
  }

  /** The connection as soon as there is one. For subscriptions, which are bound to it. */
  connection(deadlineMs = this.#options.deadlineMs): Promise<Connection> {
    if (this.#connection) return Promise.resolve(this.#connection);
    return this.#ready(performance.now() + deadlineMs, false, deadlineMs);
  }

  #ready(until: number, maybeAccepted: boolean, deadlineMs: number): Promise<Connection> {
    if (this.#closed) return Promise.reject(storeClosed(this.#options.endpoint.name));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.reject(this.#unavailable(deadlineMs, maybeAccepted, this.#lastFailure)),
        Math.max(1, until - performance.now()),
      );
      const settled = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (connection) => {
          settled();
          resolve(connection);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      this.start();
    });
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    for (let attempt = 0; !this.#closed; attempt += 1) {
      // One that is cut off as soon as it is there would otherwise be made without a pause.
      if (attempt === 0 && this.#shortLived > 1) await this.#pause(this.#shortLived);
      try {
        const connection = await this.#open();
        this.#connecting = false;
        this.#serve(connection);
        return;
      } catch (error) {
        if (this.#closed) break;
        this.#lastFailure = error;
        if (error instanceof ConfigError) {
          this.#connecting = false;
          for (const waiter of this.#waiters) waiter.reject(error);
          return;
        }
        if (attempt === 0) this.#fault("cannot connect", error);
        await this.#pause(attempt);
      }
    }
    this.#connecting = false;
  }

  /** Those who wait have timers of their own: a process that has nothing else to do may end meanwhile. */
  async #pause(attempt: number): Promise<void> {
    const ms = Math.min(lastRetryMs, firstRetryMs * 2 ** attempt) * (0.75 + Math.random() / 2);
    await sleep(ms, undefined, { ref: false, signal: this.#closing.signal }).catch(() => undefined);
  }

  async #open(): Promise<Connection> {
    const { endpoint, lookup, role, prepare, tracking } = this.#options;
    const onLost = (connection: Connection, error: Error) => this.#drop(connection, error);
    const onPush = (push: readonly Reply[]) => this.#pushed(push);
    const { signal } = this.#closing;
    try {
      const place = endpoint.sentinels === undefined ? endpoint : at(endpoint, await findMaster(endpoint, endpoint.sentinels, signal));
      return await openConnection({ endpoint: place, lookup, role, tracking: this.#tracks, prepare, onPush, onLost, signal });
    } catch (error) {
      if (this.#tracks && error instanceof ReplyError && /tracking|unknown|subcommand/i.test(error.message)) {
        this.#tracks = false;
        tracking?.onRefused(error);
        return this.#open();
      }
      throw greetingFailure(endpoint.name, error as Error) ?? error;
    }
  }

  #pushed(push: readonly Reply[]): void {
    const [kind, keys] = push;
    if (String(kind) !== "invalidate") for (const listener of this.#onMessage) listener(push);
    else if (Array.isArray(keys)) for (const key of keys) this.#options.tracking?.onTouched(String(key));
    else this.#options.tracking?.onTouched(null);
  }

  #serve(connection: Connection): void {
    if (this.#closed) {
      connection.destroy(closedByUs());
      return;
    }
    this.#connection = connection;
    this.#openedAt = performance.now();
    this.#generation += 1;
    this.#lastFailure = undefined;
    for (const waiter of [...this.#waiters]) waiter.resolve(connection);
    for (const listener of [...this.#onReady]) listener();
  }

  /** Gives a connection up and makes another. Calls on it fail, and repeat themselves within their deadlines. */
  #drop(connection: Connection, why: Error): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#shortLived = performance.now() - this.#openedAt < shortMs ? this.#shortLived + 1 : 0;
    this.#lastFailure = why;
    connection.destroy(why);
    if (this.#closed) return;
    // One that is lost again and again was reported.
    if (this.#shortLived < reportedLosses) this.#fault("connection lost", why);
    this.start();
  }

  /** Makes a new connection: this one leads where it should not. */
  reconnect(why: Error): void {
    if (this.#connection !== undefined) this.#drop(this.#connection, why);
  }

  #fault(what: string, cause: unknown): void {
    const { endpoint, role, onFault } = this.#options;
    onFault(
      new BrokerUnavailableError(
        "LOVAGE_CONNECTION_LOST",
        `The ${role} connection to ${endpoint.name}: ${what} (${reason(cause)}). It is tried again until it works.`,
        { cause, details: { role } },
      ),
    );
  }

  #unavailable(deadlineMs: number, maybeAccepted: boolean, cause: unknown): BrokerUnavailableError {
    const { endpoint, role } = this.#options;
    const outcome = maybeAccepted ? "It may have done what it was asked" : "It did nothing of what it was asked";
    return new BrokerUnavailableError(
      "LOVAGE_BROKER_UNAVAILABLE",
      `${endpoint.name} did not answer the ${role} connection within ${deadlineMs} ms (${reason(cause)}). ${outcome}. Check that the server runs and can be reached, then try again.`,
      { cause, details: { maybeAccepted, deadlineMs, role } },
    );
  }

  /** Waits for calls under way, at most 1 s. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    for (const waiter of [...this.#waiters]) waiter.reject(storeClosed(this.#options.endpoint.name));
    const connection = this.#connection;
    if (connection) await Promise.race([this.#calls.idle(), sleep(1000, undefined, { ref: false })]);
    this.#connection = undefined;
    connection?.destroy(closedByUs());
  }
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message || cause.name : "no connection");

const closedByUs = () => new Error("the store was closed");
