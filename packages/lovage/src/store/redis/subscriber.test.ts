import { createClient } from "@redis/client";
import { test as anyTest, expect, onTestFinished } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { TcpProxy } from "../../testing/chaos/tcp-proxy.ts";
import { watching } from "../../testing/conformance/harness.ts";
import { startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

async function place() {
  const server = await startRedis();
  const wire = await TcpProxy.start({ port: server.port });
  const connect = async (port: number): Promise<Store> => {
    const store = await open(`redis://127.0.0.1:${port}`, { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined });
    onTestFinished(() => store.close());
    await store.ping(2000);
    return store;
  };
  const stores = [await connect(wire.port), await connect(server.port)] as const;
  onTestFinished(async () => {
    for (const store of stores) await store.close();
    await wire.close();
    await server.stop();
  });
  return { server, wire, near: stores[0], far: stores[1] };
}

test("a subscription that a busy server refused is made when it is no longer busy", async () => {
  const { server, near, far } = await place();
  const heard: string[] = [];
  const ending = new AbortController();
  const listen = async (channel: string) => {
    for await (const { data } of near.bus.subscribe([channel], ending.signal)) heard.push(String(data));
  };
  const hears = (channel: string) =>
    expect
      .poll(
        async () => {
          await far.bus.publish(channel, channel);
          return heard;
        },
        { timeout: 5000 },
      )
      .toContain(channel);
  const listening = [listen("old")];
  await hears("old");

  const client = await createClient({ url: server.url }).connect();
  await client.configSet("busy-reply-threshold", "20");
  const busy = client.eval("local t = redis.call('TIME')[1] + 2 repeat until redis.call('TIME')[1] + 0 >= t");
  const other = await createClient({ url: server.url, RESP: 2 }).connect();
  await expect.poll(() => other.ping().catch((error: Error) => error.message)).toContain("BUSY");
  listening.push(listen("news"));
  await busy;
  client.destroy();
  other.destroy();
  await hears("news");
  ending.abort();
  await Promise.all(listening);
});

test("one who waits for a result hears of it though its connection went deaf without a word", async () => {
  const { wire, near, far } = await place();
  const ending = new AbortController();
  const results = watching(near.results, ["task"], ending.signal);
  const found = (async () => {
    for await (const { document } of results) return document;
    return undefined;
  })();
  await expect.poll(() => wire.connections).toBeGreaterThan(1);
  wire.halfOpen();
  const before = wire.swallowedBytes;
  const document = '{"status":"SUCCESS"}';
  await far.results.store([{ taskId: "task", state: "SUCCESS", document, expiresMs: null }]);
  await expect.poll(() => wire.swallowedBytes).toBeGreaterThan(before);
  const start = performance.now();
  await wire.heal();
  expect(await found).toBe(document);
  expect(performance.now() - start).toBeLessThan(5000);
  ending.abort();
});

test("what is listened for in the end is what the server was asked for, however often minds were changed on the way", async () => {
  const { server, near, far } = await place();
  const ids = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const stops = new Map<string, () => void>();
  const heard = new Set<string>();
  const listener = { saw: ({ taskId }: { readonly taskId: string }) => void heard.add(taskId), ended: () => undefined };
  let seed = 4711;
  const next = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let step = 0; step < 3000; step += 1) {
    const id = ids[next(ids.length)] as string;
    const stop = stops.get(id);
    if (stop === undefined) stops.set(id, near.results.watch([id], listener));
    else {
      stop();
      stops.delete(id);
    }
    if (next(3) === 0) await new Promise((resolve) => (next(4) === 0 ? setTimeout(resolve, next(120) / 20) : setImmediate(resolve)));
  }
  // Given up while they are on the way.
  for (const id of ids.filter((each) => !stops.has(each))) {
    const stop = near.results.watch([id], listener);
    await new Promise((resolve) => setImmediate(resolve));
    stop();
  }
  const client = await createClient({ url: server.url }).connect();
  const asked = async () => (await client.pubSubChannels("celery-task-meta-*")).map((name) => name.replace("celery-task-meta-", "")).sort();
  await expect.poll(asked).toEqual([...stops.keys()].sort());
  client.destroy();
  for (const id of ids) await far.results.store([{ taskId: id, state: "SUCCESS", document: `{"task_id":"${id}"}`, expiresMs: null }]);
  await expect.poll(() => [...heard].sort()).toEqual([...stops.keys()].sort());
  for (const stop of stops.values()) stop();
});
