import { createClient } from "@redis/client";
import { afterAll, test as anyTest, beforeAll, expect } from "vitest";
import type { Reserved } from "../../broker/broker.ts";
import { systemClock } from "../../kernel/clock.ts";
import { ack, message, nodeInfo, text, unique } from "../../testing/conformance/harness.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let server: RedisServer;
const stores: Store[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
});

async function connect(): Promise<Store> {
  const store = await open(server.url, { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined });
  stores.push(store);
  return store;
}

/** A runner with an epoch of its own that listens and has found its queue empty. */
async function standBy(queue: string) {
  const store = await connect();
  const node = unique("node");
  const epoch = unique("epoch");
  await store.leases.announce(nodeInfo(node));
  await store.leases.open(node, epoch);
  // The first message of a queue on a connection declares it, and waits.
  await publish(queue, "declares");
  await publish(`${queue}2`, "declares");
  await store.broker.queues.purge([queue, `${queue}2`]);
  const heard: Reserved[] = [];
  let missed = 0;
  const leave = store.broker.standBy?.(epoch, { handed: (reserved) => heard.push(reserved), missed: () => (missed += 1) });
  await expect.poll(() => command("PUBSUB", "NUMSUB", `lovage:default:epoch:${epoch}`)).toEqual([`lovage:default:epoch:${epoch}`, 1]);
  let call = 0;
  const reserve = (standBy = true) => {
    call += 1;
    return store.broker.reserve({ epoch, number: call, queues: [queue, `${queue}2`], count: 5, standBy });
  };
  expect((await reserve()).deliveries).toEqual([]);
  return { store, epoch, heard, reserve, leave: leave ?? (() => undefined), missed: () => missed };
}

async function command(...words: string[]): Promise<unknown> {
  const client = await createClient({ url: server.url }).connect();
  try {
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}

const publish = async (queue: string, ...ids: string[]) => {
  const store = stores[0] ?? (await connect());
  await store.broker.publish({ messages: ids.map((id) => message(id, { queue })) });
};
const told = (heard: readonly Reserved[]) => heard.flatMap(({ deliveries }) => deliveries.map(({ bytes }) => text(bytes)));
const waiting = async (queue: string) => (await (stores[0] as Store).broker.queues.depth([queue]))[0];

test("one message is handed over, in flight already; the next one waits", async () => {
  const runner = await standBy("a");
  await publish("a", "first");
  await expect.poll(() => told(runner.heard)).toEqual([text(Buffer.from(message("first").bytes))]);
  const [{ deliveries, storeNow, revokesVersion } = { deliveries: [], storeNow: 0, revokesVersion: -1 }] = runner.heard;
  expect(deliveries).toMatchObject([{ id: { epoch: runner.epoch, number: 1 }, queue: "a", bucket: 0, ackedEarly: false }]);
  expect([Math.abs(storeNow - Date.now()) < 5000, revokesVersion]).toEqual([true, 0]);
  expect(await runner.store.leases.held(runner.epoch)).toEqual(deliveries);
  await publish("a", "second");
  expect([await waiting("a"), runner.heard.length]).toEqual([1, 1]);
  // Settled like any other, and the numbers go on.
  const { replies, reserved } = await runner.store.broker.commit(
    runner.epoch,
    deliveries.map((delivery) => ack(delivery)),
    { reserveNext: { epoch: runner.epoch, number: 2, queues: ["a"], count: 5, standBy: true } },
  );
  expect(replies).toEqual([{ kind: "applied" }]);
  expect(reserved?.deliveries).toMatchObject([{ id: { number: 2 } }]);
});

test("on the other of its queues, too, but only once", async () => {
  const runner = await standBy("b");
  await publish("b2", "one");
  await expect.poll(() => runner.heard.length).toBe(1);
  await publish("b", "two");
  expect(await waiting("b")).toBe(1);
});

test.each([
  ["several at once", () => publish("c", "x", "y"), 2],
  [
    "one behind others",
    async () => {
      await command("LPUSH", "c", "{}");
      await publish("c", "x");
    },
    2,
  ],
  [
    "one of another priority",
    async () => {
      await (stores[0] as Store).broker.publish({ messages: [message("x", { queue: "c", priority: 9 })] });
    },
    1,
  ],
])("%s wait in the list", async (_, send, depth) => {
  const runner = await standBy("c");
  await send();
  expect([await waiting("c"), runner.heard.length]).toEqual([depth, 0]);
  expect((await runner.reserve()).deliveries).toHaveLength(depth);
});

test.each([
  [
    "left",
    async (runner: Awaited<ReturnType<typeof standBy>>) => {
      runner.leave();
      await expect.poll(() => command("PUBSUB", "NUMSUB", `lovage:default:epoch:${runner.epoch}`)).toContain(0);
    },
  ],
  ["was closed", (runner: Awaited<ReturnType<typeof standBy>>) => runner.store.leases.close(runner.epoch)],
  ["has asked again without wanting it", (runner: Awaited<ReturnType<typeof standBy>>) => runner.reserve(false)],
])("a runner that %s gets nothing: the message waits", async (_, end) => {
  const runner = await standBy("d");
  await end(runner);
  await publish("d", "x");
  expect([await waiting("d"), runner.heard.length]).toEqual([1, 0]);
  await command("DEL", "d");
});

test("a lost connection says that something may have been missed", async () => {
  const runner = await standBy("e");
  await command("CLIENT", "KILL", "TYPE", "pubsub");
  await expect.poll(() => runner.missed(), { timeout: 5000 }).toBe(1);
});
