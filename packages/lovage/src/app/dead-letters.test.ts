import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeTaskMessage } from "../message/decode.ts";
import { encodeTaskMessage } from "../message/encode.ts";
import { newTaskMessage, type TaskMessageInit } from "../message/new-task-message.ts";
import { bareCommit } from "../upkeep/attempt.ts";
import type { App } from "./app.ts";
import { createApp } from "./create-app.ts";

let app: App;
beforeEach(() => {
  app = createApp({ name: "letters", broker: "memory:", environment: false, folder: false });
});
afterEach(() => app.close());

/** As a worker would: the message is reserved and given up. */
async function bury(init: TaskMessageInit | string, priority = 0): Promise<string> {
  const { broker, leases, deadLetters } = await app.store();
  const bytes = typeof init === "string" ? init : encodeTaskMessage(newTaskMessage(init));
  await broker.publish({ messages: [{ taskId: "x", queue: "celery", priority, bytes }] });
  const info = { id: "n", name: "n", host: "h", bootId: "", pid: 1, processStart: null, pool: "solo", slots: 1 };
  await leases.announce({ ...info, queues: [], tasks: [], startedAt: 0, runners: [] });
  const epoch = `e${Math.random()}`;
  await leases.open("n", epoch);
  const { deliveries } = await broker.reserve({ epoch, number: 1, queues: ["celery"], count: 1 });
  const settle = { kind: "dead-letter", reason: "poison", detail: "died" } as const;
  await broker.commit(epoch, [bareCommit({ delivery: deliveries[0]?.id as never }, settle)]);
  return (await deadLetters.list(1))[0]?.id as string;
}

const next = async (queue = "celery") => {
  const [bytes] = await (await app.store()).broker.queues.peek(queue, 1);
  return decodeTaskMessage(bytes as Uint8Array);
};

describe("a replay", () => {
  it("keeps the task, and starts its attempts anew", async () => {
    const headers = { tenant: "seven" };
    const lovage = { deaths: 3, suspected: 1, lost: 2, unknown: 5, traceparent: "00-ab" };
    const expires = "2020-01-01T00:00:00+00:00";
    const id = await bury({
      id: "a",
      task: "t",
      args: [1, { deep: [] }],
      retries: 4,
      expires,
      eta: expires,
      headers,
      lovage,
      rootId: "r",
      redelivered: true,
    });
    expect(await app.deadLetters.replay(id)).toBe(true);
    const back = await next();
    expect(back).toMatchObject({
      id: "a",
      task: "t",
      args: [1, { deep: [] }],
      retries: 0,
      eta: null,
      expires: null,
      rootId: "r",
      headers,
      redelivered: false,
    });
    expect(back.lovage).toEqual({ traceparent: "00-ab", replayedFrom: id });
    expect(await app.deadLetters.replay(id)).toBe(false);
  });

  it("gives bytes that nobody can read back as they are", async () => {
    const id = await bury("\u0000 no envelope");
    expect(await app.deadLetters.get(id)).toMatchObject({ task: null, taskId: null });
    await expect(app.deadLetters.edit(id, { args: [] })).rejects.toMatchObject({ code: "LOVAGE_DEAD_LETTER_UNREADABLE" });
    expect(await app.deadLetters.replay(id)).toBe(true);
    const [bytes] = await (await app.store()).broker.queues.peek("celery", 1);
    expect(Buffer.from(bytes as Uint8Array).toString()).toBe("\u0000 no envelope");
  });

  it("takes changes, and leaves the rest", async () => {
    const id = await bury({ id: "a", task: "t", args: [1], kwargs: { x: 1 }, priority: 5, timeLimit: 9 }, 5);
    const changes = { args: ["new"], queue: "other", task: "t.new", timeLimit: "2m", headers: { why: "fixed" } } as const;
    expect(await app.deadLetters.edit(id, changes)).toBe(true);
    const back = await next("other");
    expect(back).toMatchObject({
      id: "a",
      task: "t.new",
      args: ["new"],
      argsrepr: "('new',)",
      kwargs: { x: 1 },
      timeLimit: 120,
      priority: 5,
    });
    expect(back).toMatchObject({ routingKey: "other", headers: { why: "fixed" } });
  });

  it("takes no priority but Celery's, and stays where it is", async () => {
    const id = await bury({ id: "a", task: "t", args: [] });
    await expect(app.deadLetters.edit(id, { priority: 10 })).rejects.toMatchObject({
      code: "LOVAGE_SEND_OPTIONS_INVALID",
      message: "Edited dead letter: priority is 10: expected a whole number, 0 (most urgent) to 9.",
    });
    expect(await app.deadLetters.edit(id, { priority: 9, queue: "other" })).toBe(true);
    expect(await next("other")).toMatchObject({ id: "a", priority: 9 });
  });

  it("takes the unique key again, and is refused while another task has it", async () => {
    const lovage = { unique: { key: "t:1", until: "done" } } as const;
    const first = await bury({ id: "a", task: "t", args: [], lovage });
    const { limits } = await app.store();
    const claim = (taskId: string) =>
      limits.publishUnique({ messages: [{ taskId, queue: "z", priority: 0, bytes: "{}", unique: { key: "t:1", forMs: null } }] });
    expect(await claim("b")).toEqual([null]);
    const held = { code: "LOVAGE_UNIQUE_HELD", details: { id: first, holder: "b" } };
    await expect(app.deadLetters.replay(first)).rejects.toMatchObject(held);
    await expect(app.deadLetters.edit(first, { args: [2] })).rejects.toMatchObject(held);
    const skipped: string[][] = [];
    expect(await app.deadLetters.replayAll({ filter: {}, onHeld: (...each) => skipped.push(each) })).toBe(0);
    expect(skipped).toEqual([[first, "b"]]);
    expect(await app.deadLetters.replayAll({ filter: {}, unique: false })).toBe(1);
    const { broker } = await app.store();
    await broker.queues.purge(["celery"]);
    const second = await bury({ id: "c", task: "t", args: [], lovage: { unique: { key: "t:2", until: "done" } } });
    expect(await app.deadLetters.replay(second)).toBe(true);
    expect(
      await limits.publishUnique({
        messages: [{ taskId: "d", queue: "z", priority: 0, bytes: "{}", unique: { key: "t:2", forMs: null } }],
      }),
    ).toEqual(["c"]);
  });

  it("of all that fit goes oldest first, and says how many", async () => {
    for (const id of ["a", "b", "c"]) await bury({ id, task: id === "b" ? "other" : "t" });
    expect(await app.deadLetters.replayAll({ filter: { task: "t" } })).toBe(2);
    expect((await next()).id).toBe("a");
    const left: (string | null)[] = [];
    for await (const { taskId } of app.deadLetters.each()) left.push(taskId);
    expect(left).toEqual(["b"]);
    expect(await app.deadLetters.discardAll({ filter: {} })).toBe(1);
    for (const rate of ["often", "0/s", 0])
      await expect(app.deadLetters.replayAll({ filter: {}, rate })).rejects.toMatchObject({ code: "LOVAGE_USAGE" });
  });
});
