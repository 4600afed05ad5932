/** The place of a campaign: a store that faults can hit, an app that sends, worker nodes that come back when they were killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "lovage";
import { type RedisServer, startRedis, TcpProxy, WorkerProcess } from "lovage/testing";
import type { Plan } from "./plan.ts";

const app = fileURLToPath(new URL("app.ts", import.meta.url));
/** So long the sender tries again, under the same call id: whatever happens meanwhile, what it sends is there once. */
const senderDeadlineMs = 120_000;

/** Each waits 2 s for the store. */
const mostStarts = 30;

/** As an init system does: again, until it starts. A worker that meets no store ends. */
export async function startUntilReady(worker: WorkerProcess): Promise<void> {
  for (let left = mostStarts; ; left -= 1) {
    try {
      await worker.start();
      return;
    } catch (error) {
      await worker.gone();
      if (left === 0) throw error;
    }
  }
}

export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), "lovage-chaos-"));
  readonly journal = join(this.folder, "journal");
  readonly redis: RedisServer | undefined;
  /** Between workers and Redis, where replies are to be lost. */
  readonly proxy: TcpProxy | undefined;
  readonly sender: App;
  readonly workers: readonly WorkerProcess[];
  droppedReplies = 0;

  /** `redisArgs`: as on its command line, over what a campaign takes. */
  static async open(plan: Plan, redisArgs: readonly string[] = []): Promise<Site> {
    const args = ["--appendfsync", "always", ...redisArgs];
    const redis = plan.store === "redis" ? await startRedis({ appendOnly: true, args }) : undefined;
    const proxy = redis !== undefined && plan.dropEvery > 0 ? await TcpProxy.start({ port: redis.port }) : undefined;
    const site = new Site(plan, redis, proxy);
    const calls = new Map<string, number>();
    // Counted for each script by itself: publish is called far less often than commit.
    const isDropped = ([name, script = ""]: readonly string[]): boolean => {
      if (name !== "EVALSHA" && name !== "EVAL") return false;
      const called = (calls.get(script) ?? 0) + 1;
      calls.set(script, called);
      if (called % plan.dropEvery !== 0) return false;
      site.droppedReplies += 1;
      return true;
    };
    proxy?.dropReplies({ of: isDropped });
    return site;
  }

  private constructor(plan: Plan, redis: RedisServer | undefined, proxy: TcpProxy | undefined) {
    this.redis = redis;
    this.proxy = proxy;
    const direct = redis?.url ?? `sqlite:${join(this.folder, "store.db")}`;
    const broker = proxy === undefined ? direct : `redis://127.0.0.1:${proxy.port}`;
    const quiet = { environment: false, folder: false, onFault: () => {} } as const;
    this.sender = createApp({ name: "sender", broker, deadlineMs: senderDeadlineMs, ...quiet });
    const env = { CHAOS_JOURNAL: this.journal, LOVAGE_BROKER: broker };
    const flags = ["-l", "warning", "--log-format", "json"];
    this.workers = plan.nodes.map(
      ({ name, args, env: own }) =>
        new WorkerProcess({ args: ["-A", app, "-n", `${name}@chaos`, ...args, ...flags], env: { ...env, ...own } }),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.workers.map(startUntilReady));
  }

  async close(): Promise<void> {
    await this.redis?.resume();
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.sender.close();
    await this.proxy?.close();
    await this.redis?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
