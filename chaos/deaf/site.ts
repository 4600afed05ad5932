/** A worker behind a wire that can be broken, on a Redis of its own, and two who send: one through the wire, one beside it. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "lovage";
import { type RedisServer, startRedis, TcpProxy, WorkerProcess } from "lovage/testing";

export const pools = ["async", "processes", "threads", "solo"] as const;
export type Pool = (typeof pools)[number];

const app = fileURLToPath(new URL("app.ts", import.meta.url));
/** Loading these takes a while when the server is told to take its time. */
const ballast = 2000;

export class Site {
  readonly pool: Pool;
  readonly redis: RedisServer;
  readonly wire: TcpProxy;
  /** Sends and waits through the wire, as the worker does. */
  readonly near: App;
  /** Has a wire of its own, which is never hurt: its messages arrive while the worker is deaf. */
  readonly far: App;
  readonly worker: WorkerProcess;

  static async open(pool: Pool): Promise<Site> {
    const redis = await startRedis({ appendOnly: true, args: ["--appendfsync", "always"] });
    const site = new Site(pool, redis, await TcpProxy.start({ port: redis.port }));
    await site.command(["EVAL", `for i = 1, ${ballast} do redis.call('SET', 'ballast:' .. i, i) end`, "0"]);
    await site.worker.start();
    return site;
  }

  private constructor(pool: Pool, redis: RedisServer, wire: TcpProxy) {
    this.pool = pool;
    this.redis = redis;
    this.wire = wire;
    const shared = { environment: false, folder: false, deadlineMs: 1000, onFault: () => {} } as const;
    this.near = createApp({ name: "near", broker: `redis://127.0.0.1:${wire.port}`, ...shared });
    this.far = createApp({ name: "far", broker: redis.url, ...shared });
    const concurrency = pool === "solo" ? "1" : "2";
    this.worker = new WorkerProcess({ args: ["-A", app, "-P", pool, "-c", concurrency, "-b", `redis://127.0.0.1:${wire.port}`] });
  }

  /** Asks the server itself, as redis-cli does. An error of the server is returned as it is: `-OOM …`. */
  async command(words: readonly string[]): Promise<string> {
    const socket = connect(this.redis.port, "127.0.0.1");
    const request = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
    socket.write(`*${words.length}\r\n${request}`);
    const [reply] = await once(socket, "data");
    socket.destroy();
    return String(reply);
  }

  /** Has read its file, and takes commands. */
  async untilLoaded(): Promise<void> {
    while (!(await this.command(["INFO", "persistence"])).includes("loading:0")) await sleep(20);
  }

  async close(): Promise<void> {
    await Promise.all([this.near.close(), this.far.close()]);
    await this.worker.stop(0);
    await this.wire.close();
    await this.redis.stop();
  }
}
