import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { peekHeaders } from "../../dist/message/decode.js";
import { Bench } from "./node.ts";
import { isAlive, waitFor } from "./wait-for.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe.each(["async", "processes", "threads", "solo"] as const)("a cold stop of the pool %s", (pool) => {
  it("gives while(true) back within 2 s, unblamed, and leaves nothing behind", async () => {
    const node = await bench.node({ pool, concurrency: 1 }).ready();
    const file = bench.file();
    const result = await bench.app.send("t.loop", [file]);
    await bench.started(file);
    const pids = await node.pids();
    const stoppedAt = performance.now();
    node.child.kill("SIGQUIT");
    expect(await node.exited).toBe(1);
    expect(performance.now() - stoppedAt).toBeLessThan(6000);
    expect(pids.some(isAlive)).toBe(false);
    const store = await bench.app.store();
    const [waiting, ...more] = await store.broker.queues.peek("celery", 10);
    expect(more).toEqual([]);
    const headers = peekHeaders(waiting as Uint8Array);
    expect(headers).toMatchObject({ id: result.id });
    expect(headers?.lovage.deaths ?? 0).toBe(0);
    expect(headers?.lovage.lost ?? 0).toBe(0);
    expect((await store.leases.fleet()).nodes).toEqual([]);
  });
});

it("turns a warm stop cold at the second signal", async () => {
  const node = await bench.node({ pool: "processes", concurrency: 1 }).ready();
  const file = bench.file();
  await bench.app.send("t.loop", [file]);
  await bench.started(file);
  node.child.kill("SIGTERM");
  await waitFor("the warm stop", () => node.logged("shutdown.warm").length === 1);
  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(1);
  expect(await bench.depth()).toBe(1);
});

it("turns a warm stop cold at its deadline", async () => {
  const node = await bench.node({ pool: "processes", concurrency: 1, shutdownTimeoutMs: 300 }).ready();
  const file = bench.file();
  await bench.app.send("t.loop", [file]);
  await bench.started(file);
  node.child.kill("SIGINT");
  expect(await node.exited).toBe(1);
  expect(await bench.depth()).toBe(1);
});

describe("exit codes", () => {
  it("64 for a concurrency that the pool cannot serve", async () => {
    const node = bench.node({ pool: "solo", concurrency: 2 });
    expect(await node.exited).toBe(64);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_POOL_CONCURRENCY" }]);
  });

  it("69 when the broker does not answer at the start", async () => {
    const node = bench.node({ broker: "redis://127.0.0.1:1/0" });
    expect(await node.exited).toBe(69);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_BROKER_UNAVAILABLE" }]);
  });

  it("78 when the module exports no app, or is not there", async () => {
    const [missing, wrong] = [bench.node({ app: bench.file() }), bench.node({ app: new URL("./wait-for.ts", import.meta.url).pathname })];
    expect([await missing.exited, await wrong.exited]).toEqual([78, 78]);
    expect(missing.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_APP_NOT_FOUND" }]);
    expect(wrong.logged("worker.refused")).toMatchObject([
      { code: "LOVAGE_APP_INVALID", message: expect.stringContaining("waitFor (function)") },
    ]);
  });

  it("78 for a store that other processes cannot see", async () => {
    const node = bench.node({ broker: "memory:", pool: "processes" });
    expect(await node.exited).toBe(78);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_STORE_NOT_SHARED" }]);
  });
});
