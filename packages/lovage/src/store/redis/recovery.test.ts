import assert from "node:assert/strict";
import { createClient } from "@redis/client";
import { afterAll, test as anyTest, beforeAll, describe, expect } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import { watching } from "../../testing/conformance/harness.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

const deadlineMs = 1500;
let server: RedisServer;
let store: Store;
const faults: unknown[] = [];
const ending = new AbortController();
/** What long-lived listeners heard, by kind. */
const heard = new Map<string, number>();
const listeners: Promise<void>[] = [];
let epoch = "";
let call = 0;

beforeAll(async () => {
  server = await startRedis({ appendOnly: true, args: ["--appendfsync", "always"] });
  const onFault = (fault: unknown) => faults.push(fault);
  store = await open(server.url, { ...defaultStoreOptions, clock: systemClock, deadlineMs, onFault });
  await startEpoch();
  listen("bell", store.leases.wake(["q"], ending.signal));
  listen("bus", store.bus.subscribe(["c", "d/*"], ending.signal));
  listen("result", watching(store.results, ["task"], ending.signal));
  listen("log", store.state.follow("log", "", ending.signal));
});
afterAll(async () => {
  ending.abort();
  await store.close();
  await Promise.all(listeners);
  await server.stop();
});

async function startEpoch(): Promise<void> {
  const id = `node-${performance.now()}`;
  await store.leases.announce({
    ...{ id, name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "async", slots: 1 },
    ...{ queues: ["q"], tasks: [], startedAt: 0, runners: [] },
  });
  epoch = `epoch-${id}`;
  await store.leases.open(id, epoch);
}

function listen(kind: string, source: AsyncIterable<unknown>): void {
  heard.set(kind, 0);
  listeners.push(
    (async () => {
      for await (const _ of source) heard.set(kind, (heard.get(kind) ?? 0) + 1);
    })(),
  );
}

/** Does something, again and again, until one who listens heard of it. */
async function untilHeard(kind: string, cause: () => Promise<unknown>): Promise<void> {
  const before = heard.get(kind) ?? 0;
  await expect
    .poll(
      async () => {
        await cause();
        return heard.get(kind) ?? 0;
      },
      { timeout: 10_000, interval: 20, message: `${kind} goes on` },
    )
    .toBeGreaterThan(before);
}

async function reserveAll(): Promise<void> {
  for (;;) {
    call += 1;
    const { deliveries } = await store.broker.reserve({ epoch, number: call, queues: ["q"], count: 10 });
    if (deliveries.length === 0) return;
    const settle = { kind: "ack" } as const;
    const commits = deliveries.map(({ id }) => ({ delivery: id, settle, results: [], publish: [], chords: [], chordParts: [] }));
    const { replies } = await store.broker.commit(epoch, commits);
    assert.ok(replies.every((reply) => reply.kind === "applied"));
  }
}

const message = (taskId: string) => ({ taskId, queue: "q", priority: 0, bytes: `{"id":"${taskId}"}` });

/** Every role does its work. */
async function worksAgain(): Promise<void> {
  await store.ping(5000);
  await reserveAll();
  await untilHeard("bell", async () => {
    await reserveAll();
    await store.broker.publish({ messages: [message("bell")] }, { deadlineMs: 5000 });
  });
  await reserveAll();
  await untilHeard("bus", () => store.bus.publish("d/x", "hello"));
  await untilHeard("result", () =>
    store.results.store([
      { taskId: "task", state: "STARTED", document: `{"status":"STARTED","at":${performance.now()}}`, expiresMs: null },
    ]),
  );
  await untilHeard("log", () => store.state.append("log", ["entry"], { keep: 100 }));
}

test("works before anything happens", worksAgain);

test("a restart of the server: each role goes on by itself", async () => {
  await store.broker.publish({ messages: [message("kept")] });
  await server.restart();
  await expect.poll(() => store.broker.queues.peek("q", 5).then((found) => found.map(String))).toEqual(['{"id":"kept"}']);
  await worksAgain();
});

test("a server that is down: the first call and the tenth end alike, within the deadline", async () => {
  const lost = () => faults.filter((fault) => isLovageError(fault) && fault.details.role === "command").length;
  const before = lost();
  await server.down();
  // What is sent on a socket whose end was not seen yet may have been accepted.
  await expect.poll(lost).toBeGreaterThan(before);
  for (let i = 0; i < 3; i += 1) {
    const start = performance.now();
    const error = await store.broker.publish({ messages: [message("a"), message("b")] }, { deadlineMs: 300 }).catch((reason) => reason);
    assert.ok(isLovageError(error, "LOVAGE_BROKER_UNAVAILABLE"), String(error));
    expect(error.details).toMatchObject({ maybeAccepted: false, taskIds: ["a", "b"] });
    expect(error.message).toContain(`redis://127.0.0.1:${server.port}`);
    // By its own deadline, and not by the store's.
    expect(performance.now() - start).toBeLessThan(1400);
  }
  // One that is waiting when the server comes back goes through.
  const waiting = store.broker.publish({ messages: [message("late")] }, { deadlineMs: 10_000 });
  await server.restart();
  await waiting;
  expect(await store.broker.queues.depth(["q"])).toEqual([1]);
  await worksAgain();
});

test("every connection killed: each role goes on by itself", async () => {
  const killer = await createClient({ url: server.url }).connect();
  const before = faults.length;
  for (const type of ["normal", "pubsub"]) await killer.sendCommand(["CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"]);
  killer.destroy();
  await worksAgain();
  expect(faults.length).toBeGreaterThan(before);
  expect(faults.every((fault) => isLovageError(fault, "LOVAGE_CONNECTION_LOST"))).toBe(true);
});

test("connections killed under calls: none is lost, none is doubled", async () => {
  await reserveAll();
  const killer = await createClient({ url: server.url }).connect();
  const sent = Array.from({ length: 40 }, (_, i) => `m${i}`);
  const publishing = sent.map(async (id, i) => {
    if (i % 10 === 5) await killer.sendCommand(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    await store.broker.publish({ messages: [message(id)] }, { deadlineMs: 10_000 });
  });
  await Promise.all(publishing);
  killer.destroy();
  const found = (await store.broker.queues.peek("q", 100)).map((bytes) => (JSON.parse(String(bytes)) as { id: string }).id);
  expect([...found].sort()).toEqual([...sent].sort());
  await reserveAll();
});

test("a frozen server: a publish ends within its deadline, and says that it may have been accepted", async () => {
  await reserveAll();
  server.pause();
  const start = performance.now();
  const error = await store.broker.publish({ messages: [message("frozen")] }).catch((reason) => reason);
  assert.ok(isLovageError(error, "LOVAGE_BROKER_UNAVAILABLE"), String(error));
  expect(error.details).toMatchObject({ maybeAccepted: true, taskIds: ["frozen"] });
  expect(performance.now() - start).toBeLessThan(2 * deadlineMs);
  const second = await store.broker.publish({ messages: [message("second")] }, { deadlineMs: 300 }).catch((reason) => reason);
  assert.ok(isLovageError(second, "LOVAGE_BROKER_UNAVAILABLE"), String(second));
  server.resume();
  await store.ping(10_000);
  // It was accepted, once, or not at all.
  expect((await store.broker.queues.depth(["q"]))[0]).toBeLessThanOrEqual(2);
  await worksAgain();
});

describe("a server that is away for less than the deadline", () => {
  test("costs time and no message", async () => {
    await reserveAll();
    server.pause();
    const publishing = store.broker.publish({ messages: [message("patient")] }, { deadlineMs: 10_000 });
    const other = await createClient({ url: server.url, socket: { connectTimeout: 100 } });
    other.destroy();
    server.resume();
    await publishing;
    expect(await store.broker.queues.depth(["q"])).toEqual([1]);
    await worksAgain();
  });
});
