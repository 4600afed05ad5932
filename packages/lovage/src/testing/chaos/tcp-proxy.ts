/**
 * A wire that can be broken: it stands between a client and a server and does to their bytes what networks do. Each fault is
 * on until `heal()` or the next fault, for connections that are open and for new ones. Bytes are never changed or left out in the middle of
 * a connection that goes on: TCP does not do that either.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ProxiedConnection, type ProxyDirection, type ProxyFault, type ProxyTarget } from "./proxied-connection.ts";

export type { ProxyDirection, ProxyTarget } from "./proxied-connection.ts";

/** Which replies of a Redis server are swallowed. */
export interface DroppedReplies {
  /** Of this command (`"EVALSHA"`, in any case), or of those whose words it says true to. @defaultValue of each command */
  readonly of?: string | ((words: readonly string[]) => boolean);
  /** Each n-th of them, counted over all connections. @defaultValue 1: all */
  readonly every?: number;
}

/**
 * @example
 * const proxy = await TcpProxy.start({ port: 6379 });
 * const app = createApp({ brokerUrl: `redis://127.0.0.1:${proxy.port}` });
 * proxy.blackHole();
 * await assert.rejects(app.send("task"), { code: "LOVAGE_BROKER_UNAVAILABLE" });
 * await proxy.close();
 */
export class TcpProxy {
  readonly #target: ProxyTarget;
  readonly #host: string;
  readonly #connections = new Set<ProxiedConnection>();
  #server: Server;
  #port: number;
  #swallowed = 0;
  #fault: ProxyFault = { kind: "none" };

  private constructor(target: ProxyTarget, { host = "127.0.0.1", port = 0 }: Partial<ProxyTarget>) {
    this.#target = target;
    this.#host = host;
    this.#port = port;
    this.#server = this.#listener();
  }

  /** @param at where to listen; default: a free port of the loopback */
  static async start(target: ProxyTarget, at: Partial<ProxyTarget> = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, at);
    await proxy.accept();
    return proxy;
  }

  /** The same from `start` to `close`. */
  get port(): number {
    return this.#port;
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Bytes that were taken and not told, since the start. */
  get swallowedBytes(): number {
    return this.#swallowed;
  }

  /** Resets all connections, on both sides. New ones are accepted. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** Refuses new connections (ECONNREFUSED) until `accept()` or `heal()`; those that are open stay. */
  refuse(): void {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server = this.#listener();
  }

  /** Takes new connections again, on the same port. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Everything arrives so much later, each way. */
  delay(ms: number): void {
    this.#fault = { kind: "slow", delayMs: ms, bytesPerWrite: Number.POSITIVE_INFINITY };
  }

  /** Bytes trickle: so many at a time, with a pause between two writes, each way. */
  dribble(bytesPerWrite: number, everyMs: number): void {
    this.#fault = { kind: "slow", delayMs: everyMs, bytesPerWrite };
  }

  /** Bytes travel one way only; the others are swallowed, and no end of a connection is told. @defaultValue they reach the server */
  halfOpen(passes: ProxyDirection = "to-server"): void {
    this.#fault = { kind: "swallow", passes };
  }

  /** Swallows everything both ways. Connections stay open and new ones are accepted, as if somebody were there. */
  blackHole(): void {
    this.#fault = { kind: "swallow", passes: null };
  }

  /**
   * Swallows replies of a Redis server: the command was carried out, its reply is not told, and the connection is reset. Replies before
   * it arrive. Connections that subscribe are left alone.
   */
  dropReplies({ of, every = 1 }: DroppedReplies = {}): void {
    const matches =
      typeof of === "function" ? of : ([name]: readonly string[]) => of === undefined || name?.toUpperCase() === of.toUpperCase();
    let seen = 0;
    const isDropped = (words: readonly string[]) => {
      if (!matches(words)) return false;
      seen += 1;
      return seen % every === 0;
    };
    this.#fault = { kind: "drop", isDropped };
  }

  /**
   * No fault any more, and new connections are taken. A connection that lost bytes does not come back: it stays open and deaf, as behind a
   * firewall that forgot it, and its owner must find out; `cut()` tells him.
   */
  async heal(): Promise<void> {
    this.#fault = { kind: "none" };
    await this.accept();
  }

  /** Resets all connections and stops listening. */
  async close(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    this.cut();
    await closed;
  }

  #listener(): Server {
    // Each end of a connection is told on by itself, behind the bytes before it.
    return createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
  }

  #take(client: Socket): void {
    const connection = new ProxiedConnection({
      client,
      target: this.#target,
      fault: () => this.#fault,
      onSwallowed: (bytes) => {
        this.#swallowed += bytes;
      },
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}
