/**
 * What we use of @redis/client: one client is one connection, made, greeted and thrown away. It never reconnects and never
 * queues while it is offline; `link.ts` does the first and refuses the second.
 */
import type { Endpoint } from "./url.ts";

export type Arg = string | Buffer;
/** RESP3 with blob strings as Buffers and maps as flat arrays. */
export type Reply = Buffer | string | number | boolean | null | Reply[];
type Listener = (message: Buffer, channel: Buffer) => void;

/** What we use of @redis/client's client. */
export interface RawClient {
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: (detail: never) => void): unknown;
  sendCommand(args: readonly Arg[]): Promise<Reply>;
  subscribe(channels: readonly string[], listener: Listener, buffers: true): Promise<void>;
  unsubscribe(channels: readonly string[], listener: Listener, buffers: true): Promise<void>;
  pSubscribe(patterns: readonly string[], listener: Listener, buffers: true): Promise<void>;
  pUnsubscribe(patterns: readonly string[], listener: Listener, buffers: true): Promise<void>;
}

export interface ClientOptions {
  readonly endpoint: Endpoint;
  readonly role: string;
  readonly prepare: ((client: RawClient) => Promise<void>) | undefined;
  readonly onError: (client: RawClient, error: Error) => void;
  /** Asks for client tracking, and hears which keys were touched; null: all may have been. */
  readonly onTouched: ((key: string | null) => void) | undefined;
}

/** RESP type bytes of @redis/client's decoder: `$` and `%`. */
const typeMapping = { 36: Buffer, 37: Array };
const connectMs = 2000;
/** Longer than connecting may take: a client destroyed before its socket is there would leave it open. */
const greetMs = 2500;

/** A connection that has been greeted and prepared. */
export async function openClient(options: ClientOptions): Promise<RawClient> {
  const { prepare, onError, onTouched } = options;
  // Loaded when first needed: an embedded app never pays for it.
  const { createClient } = await import("@redis/client");
  const client = createClient(clientOptions(options) as never) as unknown as RawClient;
  let failure: Error | undefined;
  client.on("error", (error: Error) => {
    failure = error;
    onError(client, error);
  });
  client.on("invalidate", (key: Buffer | string | null) => onTouched?.(key === null ? null : String(key)));
  try {
    // A frozen server accepts connections and never greets.
    await within(greetMs, client.connect());
    await within(greetMs, prepare?.(client) ?? Promise.resolve());
    if (failure) throw failure;
  } catch (error) {
    client.destroy();
    throw error;
  }
  return client;
}

function clientOptions({ endpoint, role, onTouched }: ClientOptions): object {
  return {
    socket: { ...endpoint.socket, connectTimeout: connectMs, keepAliveInitialDelay: 5000, reconnectStrategy: false },
    ...(endpoint.username === undefined ? {} : { username: endpoint.username }),
    ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    database: endpoint.database,
    name: `lovage:${role}`,
    RESP: 3,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    emitInvalidate: onTouched !== undefined,
    // Their timeout counts only until a command is written; ours counts until it is answered.
    commandOptions: { timeout: undefined, typeMapping },
  };
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no greeting within ${ms} ms`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
