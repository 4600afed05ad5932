import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobStats } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../lovage/test/bad-input/cli.ts";
import { picture, TestService } from "./service.ts";

const appModule = fileURLToPath(new URL("./fixtures/plain-app.mjs", import.meta.url));
const small = picture(1000);

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("a job service whose Redis goes away", () => {
  let folder: string;
  let redis: RedisServer;
  let service: TestService;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "lovage-http-gone-"));
    redis = await startRedis({ appendOnly: true });
    process.env.HTTP_TEST_STORAGE = path.join(folder, "jobs");
    process.env.LOVAGE_BROKER = redis.url;
    service = await TestService.start(appModule, { worker: true });
  });
  afterAll(async () => {
    redis?.resume();
    await service?.close();
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const stored = async (): Promise<readonly string[]> => (await readdir(path.join(folder, "jobs"))).sort();

  /** 503 with a code and the time for another try, in seconds rather than minutes, and no file of it. */
  async function expectRefused(before: readonly string[]): Promise<void> {
    const asked = performance.now();
    const response = await service.upload(small);
    expect(performance.now() - asked).toBeLessThan(4500);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    const body = await response.json();
    expect(body).toMatchObject({ code: "BROKER_UNAVAILABLE", message: expect.stringContaining("Nothing was kept") });
    // Where the queue is, is no client's business.
    expect(JSON.stringify(body)).not.toContain(String(redis.port));
    expect(await stored()).toEqual(before);
  }

  /** What was refused left nothing behind, not even what the store may have taken without saying so. */
  async function expectOnly(jobs: number): Promise<void> {
    const stats = await waitForStats(
      (seen) => seen.processed === jobs && seen.queued + seen.processing + seen.failed + seen.cancelled === 0,
    );
    expect(stats.processed).toBe(jobs);
    expect(await stored()).toHaveLength(jobs);
  }

  async function waitForStats(good: (stats: JobStats) => boolean): Promise<JobStats> {
    const deadline = performance.now() + 15_000;
    for (;;) {
      const stats = await service.get<JobStats>("/stats");
      if (good(stats)) return stats;
      if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(stats)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it("by kill -9 refuses uploads with 503 and keeps nothing of them; afterwards it takes them again", { timeout: 60_000 }, async () => {
    const first = await service.submit(small);
    await service.ended(first);
    const before = await stored();
    process.kill(redis.pid, "SIGKILL");
    await expectRefused(before);
    const routes = [`/status/${first}`, "/stats", "/health", `/download/${first}`, `/events/${first}`];
    for (const response of await Promise.all(routes.map((route) => fetch(service.serving.url + route)))) {
      expect(response.status, response.url).toBe(503);
      expect(await response.json()).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    }
    await redis.restart();
    expect(await service.ended(await service.submit(small))).toMatchObject({ status: "complete" });
    expect(await service.ended(first)).toMatchObject({ status: "complete" });
    await expectOnly(2);
  });

  it("by freezing refuses uploads with 503, and leaves no job without files when it thaws", { timeout: 60_000 }, async () => {
    const before = await stored();
    redis.pause();
    await expectRefused(before);
    redis.resume();
    expect(await service.ended(await service.submit(small))).toMatchObject({ status: "complete" });
    await expectOnly(before.length + 1);
  });
});

describe("a job service that cannot start", () => {
  it("says within seconds that its store is away, and leaves nothing open", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "lovage-http-start-"));
    try {
      const env = { REDIS_URL: "redis://127.0.0.1:1", HTTP_TEST_STORAGE: folder };
      const end = await runCli(["serve", "-A", appModule, "--port", "0"], { cwd: folder, env });
      expect(end.code, end.stderr).toBe(69);
      expect(end.stderr.trimEnd().split("\n").at(-1)).toContain("[LOVAGE_BROKER_UNAVAILABLE]");
      expect(end.tookMs).toBeLessThan(8000);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
