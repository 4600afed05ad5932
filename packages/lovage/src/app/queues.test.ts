import { afterEach, expect, test } from "vitest";
import { decodeTaskMessage } from "../message/decode.ts";
import { createApp } from "./create-app.ts";

let made = 0;
const open = () => {
  made += 1;
  return createApp({ name: "desk", broker: `memory:queues-${made}`, environment: false, folder: false });
};
let app = open();
afterEach(async () => {
  await app.close();
  app = open();
});
const garbage = new Uint8Array([0xff, 0x00, 0x7b]);
const putGarbage = async (queue = "celery") =>
  (await app.store()).broker.publish({ messages: [{ taskId: "?", queue, priority: 0, bytes: garbage }] });
const ids = async (queue: string) => (await app.queues.peek(queue, { limit: 1000 })).map(({ taskId }) => taskId);

test("lists queues with what waits, is parked, who consumes, and since when the oldest waits", async () => {
  const before = Date.now();
  await app.send("a", []);
  await app.send("b", [], { priority: 9 });
  await app.send("c", [], { countdown: 60 });
  await app.send("d", [], { queue: "other" });
  await app.queues.pause("third", { why: "upgrade" });
  const [celery, other, third] = await app.queues.list();
  expect(celery).toMatchObject({ queue: "celery", waiting: 3, parked: 0, running: 0, consumers: [], paused: null });
  expect(celery?.byPriority.filter(({ count }) => count > 0)).toEqual([
    { priority: 0, count: 2 },
    { priority: 9, count: 1 },
  ]);
  const oldest = Number(celery?.oldest);
  expect(oldest >= before && oldest <= Date.now()).toBe(true);
  expect(other).toMatchObject({ queue: "other", waiting: 1 });
  expect(third).toMatchObject({ queue: "third", waiting: 0, oldest: null, paused: { queue: "third", why: "upgrade" } });
});

test("says that it does not know how long something waits that does not say when it was sent", async () => {
  await app.send("a", []);
  expect((await app.queues.list(["celery"]))[0]?.oldest).toBeInstanceOf(Date);
  await app.queues.remove("celery", { task: "a" });
  await putGarbage();
  await app.send("a", []);
  expect((await app.queues.list(["celery"]))[0]?.oldest).toBe("unknown");
});

test("peeks page by page, unreadable bytes too, and removes nothing", async () => {
  const sent = [];
  for (let i = 0; i < 5; i += 1) sent.push((await app.send("t", [i])).id);
  await putGarbage();
  const page = await app.queues.peek("celery", { from: 3, limit: 2 });
  expect(page).toMatchObject([
    { place: 3, task: "t", taskId: sent[3] },
    { place: 4, taskId: sent[4] },
  ]);
  expect(page[0]?.sentAt).toBeInstanceOf(Date);
  const [last] = await app.queues.peek("celery", { from: 5 });
  expect(last).toMatchObject({ place: 5, task: null, taskId: null, sentAt: null, bytes: garbage });
  expect(await ids("celery")).toEqual([...sent, null]);
});

test("counts by task name", async () => {
  for (const name of ["a", "b", "a"]) await app.send(name, []);
  await putGarbage();
  expect(await app.queues.counts("celery")).toEqual([
    { task: "a", waiting: 2 },
    { task: "b", waiting: 1 },
    { task: null, waiting: 1 },
  ]);
});

test("moves all, in order and with their priorities, and says in each where it is now", async () => {
  const sent: string[] = [];
  for (let i = 0; i < 450; i += 1) sent.push((await app.send("t", [i], i % 2 ? { priority: 6 } : {})).id);
  await app.send("there", [], { queue: "to" });
  expect(await app.queues.move("celery", "to")).toBe(450);
  const even = sent.filter((_, i) => i % 2 === 0);
  const odd = sent.filter((_, i) => i % 2 === 1);
  expect((await ids("to")).slice(1)).toEqual([...even, ...odd]);
  const [, moved] = await app.queues.peek("to", { limit: 2 });
  expect(decodeTaskMessage(moved?.bytes ?? "")).toMatchObject({ exchange: "", routingKey: "to", args: [0] });
});

test("moves by id, by task, by place and no more than so many; unreadable bytes as they are", async () => {
  const a = await app.send("a", []);
  for (const name of ["b", "c", "b"]) await app.send(name, []);
  await putGarbage();
  expect(await app.queues.move("celery", "one", { id: a.id })).toBe(1);
  expect(await app.queues.move("celery", "one", { id: a.id })).toBe(0);
  expect(await app.queues.move("celery", "two", { task: "b" })).toBe(2);
  expect(await app.queues.move("celery", "three", { place: 1 })).toBe(1);
  expect((await app.queues.peek("three"))[0]?.bytes).toEqual(garbage);
  for (let i = 0; i < 5; i += 1) await app.send("d", [i]);
  expect(await app.queues.move("celery", "four", { limit: 3 })).toBe(3);
  expect([await ids("one"), (await ids("two")).length, (await ids("four")).length, (await ids("celery")).length]).toEqual([
    [a.id],
    2,
    3,
    3,
  ]);
  for (const name of ["", " ", "unacked", "_kombu.binding.celery"]) {
    await expect(app.queues.move("one", name)).rejects.toMatchObject({ code: "LOVAGE_QUEUE_NAME" });
    await expect(app.queues.pause(name)).rejects.toMatchObject({ code: "LOVAGE_QUEUE_NAME" });
  }
  await expect(app.queues.move("one", "one")).rejects.toMatchObject({ code: "LOVAGE_QUEUE_SAME" });
});

test("removes by id, by place and by task, parked ones too, and nothing unless it is told what", async () => {
  const a = await app.send("a", []);
  await app.send("b", []);
  await app.send("b", []);
  await putGarbage();
  const store = await app.store();
  const parked = {
    taskId: "p",
    queue: "celery",
    priority: 0,
    bytes: '{"headers":{"task":"a","id":"p"},"properties":{},"body":""}',
    parkMs: 60_000,
  };
  await store.broker.publish({ messages: [parked] });
  expect(await app.queues.remove("celery", { id: a.id })).toBe(1);
  expect(await app.queues.remove("celery", { id: "p" })).toBe(1);
  expect(await app.queues.remove("celery", { place: 2 })).toBe(1);
  expect(await app.queues.remove("celery", { task: "b" })).toBe(2);
  expect(await app.queues.list(["celery"])).toMatchObject([{ waiting: 0, parked: 0 }]);
  await expect(app.queues.remove("celery", {})).rejects.toMatchObject({ code: "LOVAGE_QUEUE_SELECTION" });
});

test("keeps pauses until they are taken back, from several at once", async () => {
  const queues = ["a", "b", "c", "d"];
  expect(await Promise.all(queues.map((queue) => app.queues.pause(queue)))).toEqual([true, true, true, true]);
  expect(await app.queues.pause("a")).toBe(false);
  expect((await app.queues.paused()).map(({ queue }) => queue).sort()).toEqual(queues);
  expect(await Promise.all(queues.slice(1).map((queue) => app.queues.resume(queue)))).toEqual([true, true, true]);
  expect(await app.queues.resume("b")).toBe(false);
  expect(await app.queues.paused()).toMatchObject([{ queue: "a", why: null }]);
  await app.queues.resume("a");
  expect(await app.queues.paused()).toEqual([]);
});

test("tells who is next, by priority, without those that were revoked and with those that nobody can read", async () => {
  const [late, first, gone, second] = await Promise.all([9, 0, 0, 0].map((priority) => app.send("t", [], { priority })));
  await putGarbage();
  await app.revoke({ root: gone?.id ?? "" });
  const line = await app.queues.line("celery", 10);
  expect(line).toMatchObject({ looked: 5, more: false });
  expect(line.places.map(({ taskId }) => taskId)).toEqual([first?.id, second?.id, null, late?.id]);
  expect(await app.queues.line("celery", 2)).toMatchObject({ looked: 2, more: true, places: [{ taskId: first?.id }] });
});
