// Celery's built-in tasks that start compositions, sent as an old client or one with another result backend sends them.
import { chord, defineTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fleet, startFleet, stores } from "./fleet.ts";

const heard: string[] = [];
const add = defineTask("t.add", async (x: number, y: number) => x + y);
const sum = defineTask("t.sum", async (values: readonly number[]) => values.reduce((a, b) => a + b, 0));
const fail = defineTask("t.fail", async (): Promise<number> => {
  throw new TypeError("no");
});
const hear = defineTask("t.hear", async (id: string) => void heard.push(id));
const patient = { timeoutMs: 10_000 };
const signature = (canvas: { toSignature(): unknown }, options = {}) => ({ ...(canvas.toSignature() as object), options });
/** A task of the header as its client sees it. */
const tuple = (id: string) => [[id, null], null];

describe.each(stores)("on %s, the task", (store) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(store, { tasks: { add, sum, fail, hear } });
  });
  afterAll(() => fleet?.close());
  const send = (task: string, args: readonly unknown[], kwargs = {}) => fleet.app.send(task, args, { kwargs });
  const ended = (id: string) => fleet.app.result(id).get(patient);

  it("celery.chord starts the chord, and gives the handle of its body", async () => {
    const sent = await send("celery.chord", [[add.s(1), add.s(2)], sum.s()], { partial_args: [10] });
    const [[id]] = (await sent.get(patient)) as [[string]];
    expect(await ended(id)).toBe(23);
  });

  it("celery.group starts the members", async () => {
    const result = [["g", null], [tuple("g-1"), tuple("g-2")]]; // biome-ignore format: one line
    const members = [signature(add.s(1), { task_id: "g-1" }), signature(add.s(2), { task_id: "g-2" })];
    const sent = await send("celery.group", [], { tasks: members, result, group_id: "g", partial_args: [10] });
    expect(await sent.get(patient)).toEqual(result);
    expect([await ended("g-1"), await ended("g-2")]).toEqual([11, 12]);
  });

  it("celery.chain is refused in words", async () => {
    await expect((await send("celery.chain", [], { tasks: [] })).get(patient)).rejects.toThrow(/celery\.chain is not a real task/);
  });

  it("celery.chord_unlock waits for the members, and starts the body once", async () => {
    const header = ["u-1", "u-2"];
    const body = signature(sum.s(), { task_id: "unlocked" });
    await send("celery.chord_unlock", ["u", body], { interval: 0.05, max_retries: null, result: header.map(tuple) });
    for (const [i, taskId] of header.entries()) await fleet.app.send(add, [i, 20], { taskId });
    expect(await ended("unlocked")).toBe(41);
  });

  it("celery.chord_unlock ends the body where a member failed, and calls its errbacks", async () => {
    await fleet.app.send(fail, [], { taskId: "broken" });
    const body = signature(sum.s(), { task_id: "locked", link_error: [hear.s().toSignature()] });
    await send("celery.chord_unlock", ["l", body], { interval: 0.05, result: [tuple("broken")] });
    await expect(ended("locked")).rejects.toMatchObject({
      code: "LOVAGE_CHORD_FAILED",
      details: { reason: "Dependency broken raised TypeError('no')" },
    });
    await expect.poll(() => heard.splice(0)).toEqual(["locked"]);
  });

  it("celery.chord_unlock gives up when told how often to ask, and the body ends", async () => {
    const body = signature(sum.s(), { task_id: "given-up" });
    await send("celery.chord_unlock", ["n", body], { interval: 0.01, max_retries: 2, result: [tuple("nobody")] });
    await expect(ended("given-up")).rejects.toMatchObject({ code: "LOVAGE_RETRIES_EXHAUSTED" });
  });

  it("celery.chord_unlock gives up when results would be gone, and says what to change", async () => {
    const { app, close } = await startFleet(store, { tasks: { sum }, resultExpires: 0.05 });
    const handle = await app.send("celery.chord_unlock", ["e", signature(sum.s())], {
      kwargs: { interval: 0.02, result: [tuple("elsewhere")] },
      ignoreResult: false,
    });
    await expect(handle.get(patient)).rejects.toThrow(/1 of its 1 members have no result here.*result_backend/);
    await close();
  });

  it("celery.accumulate gives all its arguments, or one", async () => {
    expect(await (await send("celery.accumulate", [1, 2])).get(patient)).toEqual([1, 2]);
    expect(await (await send("celery.accumulate", [[1, 2]], { index: 0 })).get(patient)).toEqual([1, 2]);
    expect(await (await chord([add.s(1, 1)], sum.s()).send(fleet.app)).get(patient)).toBe(2);
  });
});
