/**
 * One connection to a server: made, greeted and thrown away. Calls are answered in order; what is asked in one turn of the event
 * loop leaves in one packet. It never reconnects: `link.ts` does.
 */
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Arg, encodeCommand, type Reply, ReplyError, RespReader } from "./resp.ts";
import type { Endpoint } from "./url.ts";

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly lookup?: LookupFunction | undefined;
  /** Shown in CLIENT LIST: `lovage:<role>`. */
  readonly role: string;
  /** Asks the server to say when keys that this connection read are touched. */
  readonly tracking: boolean;
  /** Called when it is greeted, before it serves. */
  readonly prepare: ((connection: Connection) => Promise<void>) | undefined;
  readonly onPush: (push: readonly Reply[]) => void;
  /** Once, when it breaks after it was opened. */
  readonly onLost: (connection: Connection, error: Error) => void;
  /** Gives it up while it is being opened. */
  readonly signal?: AbortSignal;
  /** @defaultValue 1500 */
  readonly openMs?: number;
}

/** The connection is gone; what was asked may have been done, unless `sent` is false. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
  readonly sent: boolean;

  constructor(message: string, { sent, cause }: { readonly sent: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.sent = sent;
  }
}

/** A frozen server accepts connections and never greets. */
const defaultOpenMs = 1500;
const keepAliveMs = 5000;
const readBytes = 64 * 1024;

/** Who hears how a call ends. */
export interface Asked {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export interface AskOptions {
  /** Those to whom the call publishes are written to before we are answered: somebody waits for them, and each write takes its time. */
  readonly othersFirst: boolean;
}

interface Awaited {
  /** Confirmations that are to come, one for each channel of a subscription; 0: one reply. */
  confirmations: number;
  readonly asked: Asked;
}

const ping = encodeCommand(["PING"]).toString();
/** A call whose answer nobody needs. */
const unheard: Asked = { resolve: () => undefined, reject: () => undefined };

/** A connection that has been greeted and prepared. @throws {ReplyError} when the server refuses the greeting. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { signal, openMs = defaultOpenMs } = options;
  const connection = new Connection(options);
  const timer = setTimeout(() => connection.destroy(new Error(`no greeting within ${openMs} ms`)), openMs);
  const giveUp = () => connection.destroy(new Error("the store was closed"));
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await connection.greet();
    await options.prepare?.(connection);
    connection.opened();
    return connection;
  } catch (error) {
    connection.destroy(error as Error);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #reader: RespReader;
  /** Unanswered, oldest first; those before `#answered` are done with. */
  #asked: Awaited[] = [];
  #answered = 0;
  #leaving: Buffer[] = [];
  #lost: Error | undefined;
  #open = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#reader = new RespReader({ onReply: (reply) => this.#onReply(reply), onPush: (push) => this.#onPush(push) });
    this.#socket = openSocket(options, (chunk) => this.#read(chunk));
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, keepAliveMs);
    this.#socket.on("error", (error) => this.destroy(error));
    this.#socket.on("close", () => this.destroy(new Error("the server closed the connection")));
  }

  /** @throws {ReplyError} */
  async greet(): Promise<void> {
    const { endpoint, role, tracking } = this.#options;
    const { username = "default", password, database } = endpoint;
    const auth = password === undefined ? [] : ["AUTH", username, password];
    await Promise.all([
      this.call(["HELLO", "3", ...auth, "SETNAME", `lovage:${role}`]),
      database === 0 ? undefined : this.call(["SELECT", String(database)]),
      tracking ? this.call(["CLIENT", "TRACKING", "ON"]) : undefined,
    ]);
  }

  /** From now on its owner hears when it breaks. @throws {Error} when it has broken meanwhile. */
  opened(): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#open = true;
  }

  /** @throws {ReplyError} what the server refuses. @throws {ConnectionLostError} */
  call(args: readonly Arg[]): Promise<Reply> {
    return new Promise((resolve, reject) => this.#ask(args, { resolve, reject }, 0));
  }

  /** As `call`, without a promise of its own. */
  ask(args: readonly Arg[], asked: Asked, { othersFirst }: AskOptions): void {
    if (!othersFirst || this.#lost !== undefined) {
      this.#ask(args, asked, 0);
      return;
    }
    // Redis writes to clients in the reverse order in which they came to have something to read: our PONG is there first.
    this.#leaving.push(encodeCommand(args, ping));
    this.#asked.push({ confirmations: 0, asked: unheard }, { confirmations: 0, asked });
    // It was gathered before it came here: nothing is to join it.
    this.#flush();
  }

  /** Resolves when all of the names are confirmed. */
  async subscribe(command: "SUBSCRIBE" | "PSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE", names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await new Promise((resolve, reject) => this.#ask([command, ...names], { resolve, reject }, names.length));
  }

  /** Everything unanswered fails. Twice: fine. */
  destroy(cause: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = cause;
    this.#socket.destroy();
    const unanswered = this.#asked.slice(this.#answered);
    this.#asked = [];
    this.#answered = 0;
    for (const { asked } of unanswered) asked.reject(new ConnectionLostError(cause.message, { sent: true, cause }));
    if (this.#open) this.#options.onLost(this, cause);
  }

  #ask(args: readonly Arg[], asked: Asked, confirmations: number): void {
    if (this.#lost !== undefined) {
      asked.reject(new ConnectionLostError(this.#lost.message, { sent: false, cause: this.#lost }));
      return;
    }
    if (this.#leaving.length === 0) process.nextTick(this.#flush);
    this.#leaving.push(encodeCommand(args));
    this.#asked.push({ confirmations, asked });
  }

  readonly #flush = (): void => {
    const leaving = this.#leaving;
    this.#leaving = [];
    const [first, second] = leaving;
    if (this.#lost !== undefined || first === undefined) return;
    this.#socket.write(second === undefined ? first : Buffer.concat(leaving));
  };

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #onReply(reply: Reply | ReplyError): void {
    const asked = this.#nextAsked()?.asked;
    if (asked === undefined) throw new Error("the server answered what nobody asked");
    if (reply instanceof ReplyError) asked.reject(reply);
    else asked.resolve(reply);
  }

  #onPush(push: readonly Reply[]): void {
    const awaited = this.#asked[this.#answered];
    if (awaited !== undefined && awaited.confirmations > 0 && isConfirmation(push)) {
      awaited.confirmations -= 1;
      if (awaited.confirmations === 0) this.#nextAsked()?.asked.resolve(null);
    } else {
      this.#options.onPush(push);
    }
  }

  #nextAsked(): Awaited | undefined {
    const awaited = this.#asked[this.#answered];
    if (awaited === undefined) return undefined;
    this.#answered += 1;
    if (this.#answered === this.#asked.length) {
      this.#asked = [];
      this.#answered = 0;
    } else if (this.#answered === 1024) {
      this.#asked = this.#asked.slice(1024);
      this.#answered = 0;
    }
    return awaited;
  }
}

/** What is read goes around the socket's stream, whose many steps cost more than the few bytes of most replies. */
function openSocket({ endpoint: { socket }, lookup }: ConnectionOptions, read: (chunk: Buffer) => void): Socket {
  const callback = (bytes: number, buffer: Uint8Array) => {
    // The next read goes into the same buffer.
    read(Buffer.from(buffer.subarray(0, bytes)));
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(readBytes), callback };
  if ("path" in socket) return connectPlain({ path: socket.path, onread });
  const { host, port, tls = false, rejectUnauthorized = true, ca } = socket;
  // Resolved anew for each connection: a name may lead elsewhere by now.
  const place = { host, port, onread, ...(lookup !== undefined && { lookup }) };
  if (!tls) return connectPlain(place);
  // A server name must not be an address (RFC 6066).
  return connectTls({ ...place, rejectUnauthorized, ...(ca !== undefined && { ca }), ...(isIP(host) === 0 && { servername: host }) });
}

const isConfirmation = ([kind]: readonly Reply[]): boolean => /^p?(un)?subscribe$/.test(String(kind));
