import { createClient } from "@redis/client";
import { test as anyTest, expect, onTestFinished } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import type { ResultRecord } from "../../message/commit.ts";
import { ack, message, nodeInfo } from "../../testing/conformance/harness.ts";
import { startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions } from "../store.ts";
import { open } from "./index.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

/** A store that has asked for a result before, and a server that says how often somebody subscribed. */
async function place() {
  const server = await startRedis();
  const client = await createClient({ url: server.url }).connect();
  const store = await open(server.url, { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined });
  onTestFinished(async () => {
    await store.close();
    client.destroy();
    await server.stop();
  });
  const { results, broker, leases } = store;
  const subscriptions = async () =>
    Number(/cmdstat_subscribe:calls=(\d+)/.exec(String(await client.sendCommand(["INFO", "commandstats"])))?.[1]);
  /** Resolves with the state of the result once a watch shows it. */
  const seen = (id: string) =>
    new Promise<string>((resolve, reject) => {
      const stop = results.watch([id], {
        saw: ({ document }) => {
          setImmediate(stop);
          resolve(JSON.parse(document).status);
        },
        ended: reject,
      });
    });
  const offer = (id: string) => results.replyTo?.(id);
  await leases.announce(nodeInfo("n"));
  await leases.open("n", "e");
  let call = 0;
  /** Sends it and commits its result, told to `replyTo`. */
  const run = async (id: string, replyTo: string | undefined, document = documentOf(id)) => {
    await broker.publish({ messages: [message(id, { queue: "q" })] });
    call += 1;
    const { deliveries } = await broker.reserve({ epoch: "e", number: call, queues: ["q"], count: 1 });
    const result: ResultRecord = { taskId: id, state: "SUCCESS", document, expiresMs: null, replyTo };
    const { replies } = await broker.commit("e", [{ ...ack(deliveries[0] as (typeof deliveries)[0]), results: [result] }]);
    expect(replies).toEqual([{ kind: "applied" }]);
  };
  expect(offer("nobody asked yet")).toBeUndefined();
  await run("first", undefined);
  await seen("first");
  await expect.poll(() => offer("probe")).toEqual(expect.any(String));
  return { results, run, seen, offer, subscriptions };
}

const documentOf = (id: string) => JSON.stringify({ status: "SUCCESS", result: null, traceback: null, children: [], task_id: id });

test("a result told directly is seen without a subscription, asked for before or after it came", async () => {
  const { run, seen, offer, subscriptions } = await place();
  const before = await subscriptions();
  const name = offer("asked");
  const asked = seen("asked");
  await run("asked", name);
  expect(await asked).toBe("SUCCESS");
  await run("came", offer("came"));
  expect(await seen("came")).toBe("SUCCESS");
  expect(await subscriptions()).toBe(before);
});

test("a result that nobody told is seen all the same, and nobody is asked to tell for a while", async () => {
  const { run, seen, offer } = await place();
  offer("python");
  await run("python", undefined);
  expect(await seen("python")).toBe("SUCCESS");
  expect(offer("next")).toBeUndefined();
});

test("a result that takes longer is seen by the usual way, and that is no fault of who tells", async () => {
  const { run, seen, offer, subscriptions } = await place();
  const before = await subscriptions();
  const name = offer("long");
  const asked = seen("long");
  await expect.poll(subscriptions).toBeGreaterThan(before);
  await run("long", name);
  expect(await asked).toBe("SUCCESS");
  expect(offer("next")).toBe(name);
});

test("who does not ask is soon not told any more, until it asks again", async () => {
  const { run, seen, offer } = await place();
  const offered = Array.from({ length: 5 }, (_, i) => offer(`t${i}`));
  expect(offered.filter((each) => each !== undefined).length).toBeLessThan(5);
  await run("again", undefined);
  await seen("again");
  expect(offer("next")).toEqual(expect.any(String));
});

test("what is told to others, or is no result, changes nothing", async () => {
  const { run, seen, offer } = await place();
  const name = offer("mine");
  await run("other", name);
  await run("odd", name, "no JSON");
  const long = `${documentOf("mine").slice(0, -1)},"more":"${"x".repeat(20_000)}"}`;
  await run("mine", name, long);
  expect(await seen("mine")).toBe("SUCCESS");
  await run("names", { bad: true } as never);
});
