/** One worker inside the test's process on each kind of store, for canvases that are to behave alike on all of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, type AppOptions, createApp } from "lovage";
import { startRedis } from "lovage/testing";
import { startWorker } from "lovage/worker";

export const stores = ["memory", "sqlite", ...(process.env.LOVAGE_SKIP_REDIS === undefined ? ["redis"] : [])] as const;

export interface Fleet {
  readonly app: App;
  close(): Promise<void>;
}

export async function startFleet(store: string, options: Pick<AppOptions, "tasks"> & Partial<AppOptions>): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), "lovage-canvas-"));
  const redis = store === "redis" ? await startRedis() : undefined;
  const broker = redis?.url ?? (store === "sqlite" ? `sqlite:${join(folder, "store.db")}` : "memory:");
  const app = createApp({ name: "canvas", ...options, broker, environment: false, folder: false });
  const worker = await startWorker(app, { pool: "inline", concurrency: 10, queues: ["celery", "other"], logLevel: "silent" });
  await worker.ready;
  return {
    app,
    close: async () => {
      await worker.stop("cold");
      await app.close();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
