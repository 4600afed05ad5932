// A Redis that would lose a queue, and one that is full.
import { createApp } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, expect, it, onTestFinished } from "vitest";
import { Place, redisCommand, skips } from "../bad-input/place.ts";
import { appModule, WorkerNode } from "../worker/node.ts";
import { waitFor } from "../worker/wait-for.ts";

const test = it.skipIf(skips("redis"));

let server: RedisServer | undefined;
afterEach(() => server?.stop());

test("a worker refuses a Redis that evicts queues with exit code 78 and the remedy, unless it is told otherwise", async () => {
  server = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
  const refused = new WorkerNode({ app: appModule, broker: server.url });
  expect(await refused.exited).toBe(78);
  const [line] = refused.logged("worker.refused");
  expect(line).toMatchObject({ code: "LOVAGE_STORE_EVICTS", message: expect.stringContaining("CONFIG SET maxmemory-policy noeviction") });

  const told = new WorkerNode({ app: appModule, broker: server.url, allowEviction: true });
  onTestFinished(() => told.kill());
  await told.ready();
  await waitFor("what is unsafe", () => told.logged("store.unsafe").length === 2);
  expect(told.logged("store.unsafe").map(({ what }) => what)).toEqual(["eviction", "persistence"]);
});

test("a full Redis: sending is refused with a code, workers drain it, and then it takes messages again", async () => {
  const place = await Place.open("redis");
  onTestFinished(() => place.close());
  const url = place.broker;
  const sent = await Promise.all(Array.from({ length: 200 }, (_, i) => place.app.send("bad.add", [i, 1])));
  await redisCommand(url, ["CONFIG", "SET", "maxmemory", "1"]);
  for (let i = 0; i < 2; i += 1) {
    const start = performance.now();
    await expect(place.app.send("bad.add", [1, 1])).rejects.toMatchObject({
      code: "LOVAGE_BROKER_FULL",
      details: { maybeAccepted: false },
    });
    expect(performance.now() - start).toBeLessThan(2000);
  }
  const node = await place.node({ pool: "processes", concurrency: 2 });
  const values = await Promise.all(sent.map((result) => result.get({ timeoutMs: 20_000 })));
  expect(values).toEqual(sent.map((_, i) => i + 1));
  expect(await place.depth()).toBe(0);
  await waitFor("the memory to be told", () => node.logged("store.unsafe").some(({ what }) => what === "memory"));
  await redisCommand(url, ["CONFIG", "SET", "maxmemory", "0"]);
  expect(await (await place.app.send("bad.add", [2, 2])).get({ timeoutMs: 5000 })).toBe(4);
  const other = createApp({ name: "other", broker: url, environment: false, folder: false });
  onTestFinished(() => other.close());
  expect(await (await other.send("bad.add", [3, 3])).get({ timeoutMs: 5000 })).toBe(6);
});
