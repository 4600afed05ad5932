/**
 * A place of its own for one test: a store (SQLite in a fresh folder, or a Redis server of its own), an app that sends, worker
 * nodes in processes of their own, and a way to put any bytes on a queue as a stranger would.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@redis/client";
import { type App, createApp } from "lovage";
import type { DeadLetter } from "lovage/adapters";
import { type RedisServer, type RedisServerOptions, startRedis } from "lovage/testing";
import type { WorkerOptions } from "lovage/worker";
import { WorkerNode } from "../worker/node.ts";

export const appModule = fileURLToPath(new URL("./fixtures/app.mjs", import.meta.url));

export const storeKinds = ["sqlite", "redis"] as const;
export type StoreKind = (typeof storeKinds)[number];
/** A laptop may lack Redis; where CI is true the whole run has failed before. */
export const skips = (kind: StoreKind): boolean => kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined;

export interface PlaceOptions {
  readonly redis?: RedisServerOptions;
  /** The SQLite file is made here. */
  readonly folder?: string;
}

export class Place {
  /** Of files that tests and tasks share. */
  readonly folder = mkdtempSync(join(tmpdir(), "lovage-bad-input-"));
  readonly redis: RedisServer | undefined;
  readonly broker: string;
  readonly app: App;
  readonly #nodes: WorkerNode[] = [];
  #files = 0;

  static async open(kind: StoreKind, options: PlaceOptions = {}): Promise<Place> {
    return new Place(kind === "redis" ? await startRedis(options.redis) : undefined, options.folder);
  }

  private constructor(redis: RedisServer | undefined, folder: string | undefined) {
    this.redis = redis;
    this.broker = redis?.url ?? `sqlite:${join(folder ?? this.folder, "store.db")}`;
    this.app = createApp({ name: "sender", broker: this.broker, environment: false, folder: false, onFault: () => {} });
  }

  /** Ready to take work. */
  async node(options: WorkerOptions & { readonly app?: string } = {}): Promise<WorkerNode> {
    const node = new WorkerNode({ app: appModule, broker: this.broker, ...options });
    this.#nodes.push(node);
    return node.ready();
  }

  /** A path that nobody has used. */
  file(): string {
    this.#files += 1;
    return join(this.folder, `file-${this.#files}`);
  }

  lines(file: string): readonly string[] {
    try {
      return readFileSync(file, "utf8").split("\n").filter(Boolean);
    } catch {
      return [];
    }
  }

  /** As Python's kombu would: the bytes are nobody's business but the reader's. */
  async push(bytes: Uint8Array | string, queue = "celery"): Promise<void> {
    if (this.redis !== undefined) await redisCommand(this.redis.url, ["LPUSH", queue, Buffer.from(bytes)]);
    else await (await this.app.store()).broker.publish({ messages: [{ taskId: "of a stranger", queue, priority: 0, bytes }] });
  }

  /** Oldest first. */
  async deadLetters(): Promise<readonly DeadLetter[]> {
    return [...(await (await this.app.store()).deadLetters.list(1000))].reverse();
  }

  async depth(queue = "celery"): Promise<number> {
    return (await (await this.app.store()).broker.queues.depth([queue]))[0] ?? 0;
  }

  /** What all nodes said last, for the message of a failed test. */
  tails(): string {
    return this.#nodes.map((node) => node.tail()).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await this.app.close();
    await this.redis?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** On a connection of its own. */
export async function redisCommand(url: string, command: readonly (string | Buffer)[]): Promise<unknown> {
  const client = await createClient({ url }).connect();
  try {
    return await client.sendCommand([...command]);
  } finally {
    client.destroy();
  }
}
