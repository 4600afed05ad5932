// The worker that Celery's own suite judges: it must come up as the suite starts it, and answer under the name it was given.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createApp, group, remoteTask } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Child } from "../support/child.ts";
import { skipped } from "../support/site.ts";
import { waitFor } from "../support/wait-for.ts";

const worker = fileURLToPath(new URL("worker", import.meta.url));
const patient = { timeoutMs: 20_000 };

describe.skipIf(skipped)("the worker of Celery's integration suite", () => {
  let redis: RedisServer;
  let child: Child;
  let app: ReturnType<typeof createApp>;

  beforeAll(async () => {
    redis = await startRedis();
    const env = { TEST_BROKER: redis.url, TEST_BACKEND: redis.url, WORKER_HOSTNAME: "gen1@suite", WORKER_CONCURRENCY: "2" };
    child = await new Child(["/bin/bash", "-c", worker], { ...env, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.port) }, "/").printed(
      /gen1@suite ready\./,
    );
    app = createApp({ name: "client", broker: redis.url, environment: false, folder: false });
  });
  afterAll(async () => {
    await app?.close();
    await child?.stop();
    await redis?.stop();
  });

  const task = (name: string) => remoteTask<readonly unknown[], unknown>(`t.integration.tasks.${name}`);

  it("answers a ping, with an extended result", async () => {
    const result = await app.send("celery.ping", []);
    expect(await result.get(patient)).toBe("pong");
    expect((await result.info())?.document).toMatchObject({ name: "celery.ping", worker: "gen1@suite", queue: "celery" });
  });
  it("adds what Python adds", async () => {
    const sums = group(task("add").s("a", "b"), task("add").s([1], [2]), task("add").s(1, 2, 3), task("add").s(1, 2, 0));
    expect(await (await sums.send(app)).get(patient)).toEqual(["ab", [1, 2], 6, 3]);
  });
  it("becomes a canvas, and fails with Python's classes", async () => {
    expect(await (await app.send(task("add_to_all"), [[1, 2], 10])).get(patient)).toEqual([11, 12]);
    const failed = await app.send(task("fail"), ["x"]);
    await expect(failed.get(patient)).rejects.toMatchObject({
      details: { type: "ExpectedException", module: "t.integration.tasks", args: ["Task expected to fail", "x"] },
    });
  });
  it("calls errbacks of both styles with effects in Redis", async () => {
    const errbacks = [task("errback_old_style").s(), task("errback_new_style").s()];
    await app.send(task("fail"), [], { taskId: "failed", linkError: errbacks });
    const counted = () => execFileSync("redis-cli", ["-p", String(redis.port), "get", "failed"], { encoding: "utf8" }).trim();
    await waitFor("both errbacks", () => counted() === "2");
  });
  it("stops in time when it is asked to", async () => {
    expect(await child.stop(10_000)).toBe(0);
  });
});
