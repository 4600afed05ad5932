import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type JobServiceOptions, newEncryptionKey, type Serving, serveJobs } from "@lovage/http";
import type { App } from "lovage";
import { loadApp, startWorker, type WorkerHandle } from "lovage/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const appModule = fileURLToPath(new URL("../fixtures/sharing-app.mjs", import.meta.url));

describe("readiness of a service", () => {
  let folder: string;
  let app: App;
  let jobs: Omit<JobServiceOptions, "app">;
  let worker: WorkerHandle;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "lovage-sharing-"));
    process.env.HTTP_TEST_STORAGE = path.join(folder, "jobs");
    process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
    const loaded = await loadApp(appModule);
    app = loaded.app;
    jobs = loaded.exports.jobs as typeof jobs;
    worker = await startWorker(app, { appModule: loaded.path, pool: "async", logLevel: "silent" });
    await worker.ready;
  });
  afterAll(async () => {
    await worker?.stop("cold");
    await app?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ready(storage: JobServiceOptions["storage"], expected: number): Promise<{ body: unknown; problem: string | undefined }> {
    const serving: Serving = await serveJobs({ ...jobs, storage, app, port: 0 });
    try {
      // A node that has just begun, or is busy, may not have heard the first question.
      for (let tries = 1; ; tries += 1) {
        const response = await fetch(`${serving.url}/ready`);
        const body = await response.json();
        if (response.status === expected || tries === 20) return { body, problem: await serving.service.storageProblem() };
      }
    } finally {
      await serving.close();
    }
  }

  it("is there when its worker sees what it stores, and the other way round", async () => {
    expect(await ready(path.join(folder, "jobs"), 200)).toEqual({ body: { status: "ok" }, problem: undefined });
    expect(await readdir(path.join(folder, "jobs"))).toEqual([]);
  });

  it("fails with the reason when its worker stores elsewhere, or cannot read what it stores", async () => {
    const body = { status: "unavailable", code: "STORAGE_NOT_SHARED" };
    const refused = { body, problem: expect.stringContaining("does not see what is stored in the folder") };
    expect(await ready(path.join(folder, "others"), 503)).toMatchObject(refused);
    expect(await ready({ url: path.join(folder, "jobs"), encryption: newEncryptionKey("a") }, 503)).toMatchObject(refused);
  });
});
