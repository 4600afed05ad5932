/** Handles of composed work: trees of results, read as Python's Celery reads them. */
import { afterEach, describe, expect, it } from "vitest";
import { work } from "../../test-data/work.ts";
import type { App } from "../app/app.ts";
import { createApp } from "../app/create-app.ts";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { chunks } from "../canvas/map.ts";
import type { ResultRecord } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import { encodeResult } from "../message/results.ts";
import type { AsyncResult, GroupResult } from "../task/async-result.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";

const add = defineTask("t.add", (x: number, y: number) => x + y);
const sum = defineTask("t.sum", (values: number[]) => values.reduce((a, b) => a + b, 0));
const fail = defineTask("t.fail", (what: number): number => {
  throw new RangeError(`no ${what}`);
});
const pow2 = defineTask("t.pow2", (i: number) => i ** 2);
const viaChild = defineTask("t.via-child", async (i: number) => void (await pow2.delay(i)));
const fan = defineTask("t.fan", async (n: number) => void (await group(Array.from({ length: n }, (_, i) => viaChild.s(i))).send()));
const later = remoteTask<[x: number], number>("py.later");

const soon = { timeoutMs: 5000 };
let app: App;
const open = () => {
  app = createApp({ tasks: [add, sum, fail, pow2, viaChild, fan], broker: "memory:", environment: false, folder: false });
  return app;
};
afterEach(() => app.close());

/** As a Python worker leaves it, which says nothing about later steps that are groups. */
async function ends(id: string, state: string, result: unknown, children: readonly ResultTuple[] = []): Promise<void> {
  await allEnd([ended(id, state, result, children)]);
}
function ended(taskId: string, state: string, result: unknown, children: readonly ResultTuple[] = []): ResultRecord {
  const nothing = { traceback: null, groupId: null, parentId: null, extended: undefined, resultJson: undefined, doneAtMs: 0 };
  return { taskId, state, document: encodeResult({ taskId, state, result, children, ...nothing }), expiresMs: null };
}
async function allEnd(records: readonly ResultRecord[]): Promise<void> {
  await (await app.store()).results.store(records);
}
const boom = { exc_type: "ValueError", exc_message: ["boom"], exc_module: "builtins" };

describe("a task's result", () => {
  it("knows the steps before it, through groups and chords", async () => {
    open();
    const last = await chain(add.s(1, 1), group([add.s(2), add.s(3)]), sum.s(), add.s(4)).send();
    await work(app);
    expect(await last.get(soon)).toBe(13);
    const body = last.parent;
    const header = body?.parent as GroupResult;
    expect(await body?.get(soon)).toBe(9);
    expect(await header.get(soon)).toEqual([4, 5]);
    expect(await header.parent?.get(soon)).toBe(2);
    expect(header.parent?.parent).toBeNull();
  });
  it("collects the tree below it, each with its value, a group before its members", async () => {
    open();
    const root = await app.send(fan, [4]);
    await work(app);
    const values: unknown[] = [];
    for await (const [result, value] of root.collect(soon)) values.push("results" in result ? "group" : value);
    expect(values).toEqual([null, "group", null, null, null, null, 0, 1, 4, 9]);
  });
  it("collects each once, even where a run stands among its own children", async () => {
    open();
    await ends("twice", "SUCCESS", 1, [[["twice", null], null], [["child", null], null], [["child", null], null]]); // biome-ignore format: one line
    await ends("child", "SUCCESS", 2);
    const values: unknown[] = [];
    for await (const [, value] of app.result("twice").collect(soon)) values.push(value);
    expect(values).toEqual([1, 2]);
  });
  it("ends as a step before it that failed, whatever its worker says of later ones", async () => {
    open();
    const last = await chain(later.s(1), later.s(), later.s()).send(app);
    const waiting = last.get(soon);
    await ends(last.parent?.id as string, "FAILURE", boom);
    await expect(waiting).rejects.toMatchObject({ code: "LOVAGE_TASK_FAILED", details: { type: "ValueError", taskId: last.parent?.id } });
  });
  it("ends as itself where it has an end, whatever a step before it did", async () => {
    open();
    const last = await chain(later.s(1), later.s()).send(app);
    const waiting = last.get(soon);
    await allEnd([ended(last.parent?.id as string, "FAILURE", boom), ended(last.id, "SUCCESS", 7)]);
    expect(await waiting).toBe(7);
  });
  it("does not stop at a member of its chord that failed: the chord says so itself", async () => {
    open();
    const body = await chord([fail.s(1), add.s(1, 1)], sum.s()).send();
    await work(app);
    await expect(body.get(soon)).rejects.toMatchObject({ code: "LOVAGE_CHORD_FAILED" });
  });
  it("is forgotten with those of its parents", async () => {
    open();
    const last = await chain(add.s(1, 1), add.s(2)).send();
    await work(app);
    await last.get(soon);
    await last.forget();
    expect([await last.state(), await (last.parent as typeof last).state()]).toEqual(["PENDING", "PENDING"]);
  });
  it("that is ignored is not waited for, wherever it stands", async () => {
    open();
    const ignored = add.s(2).set({ ignoreResult: true });
    const refused = { code: "LOVAGE_RESULT_IGNORED" };
    await expect((await chain(add.s(1, 1), ignored).send()).get()).rejects.toMatchObject(refused);
    await expect((await group([add.s(1, 1), ignored.clone([1])]).send()).get()).rejects.toMatchObject(refused);
    await expect((await chord([add.s(1, 1)], sum.s().set({ ignoreResult: true })).send()).get()).rejects.toMatchObject(refused);
    const kept = await chain(ignored.clone([1]), add.s(1)).send();
    await work(app);
    expect(await kept.get(soon)).toBe(4);
  });
});

describe("a group's result", () => {
  it("tells its members as they end, failed ones too", async () => {
    open();
    const members = await group([later.s(0), later.s(1), later.s(2)]).send(app);
    const seen: unknown[] = [];
    const ids = members.results.map(({ id }) => id) as [string, string, string];
    await ends(ids[2], "SUCCESS", "c");
    for await (const one of members.finished(soon)) {
      seen.push(one.status === "fulfilled" ? [one.index, one.value] : [one.index, one.reason.details.type]);
      if (seen.length === 1) await ends(ids[0], "FAILURE", boom);
      if (seen.length === 2) await ends(ids[1], "SUCCESS", "b");
    }
    expect(seen).toEqual([[2, "c"], [0, "ValueError"], [1, "b"]]); // biome-ignore format: one line
  });
  it("is iterated without more", async () => {
    open();
    const squares = await group([pow2.s(1), pow2.s(2)]).send();
    await work(app);
    const values: unknown[] = [];
    for await (const one of squares) values.push(one.status === "fulfilled" && one.value);
    expect(values.sort()).toEqual([1, 4]);
  });
  it("stops telling at the deadline, at a signal, and when the step before it failed", async () => {
    open();
    const first = async (options: object) =>
      (await chain(later.s(1), group([later.s(), later.s()])).send(app)).finished(options)[Symbol.asyncIterator]().next();
    await expect(first({ timeoutMs: 20 })).rejects.toMatchObject({ code: "LOVAGE_WAIT_TIMEOUT" });
    await expect(first({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const members = await chain(later.s(1), group([later.s(), later.s()])).send(app);
    await ends(members.parent?.id as string, "FAILURE", boom);
    await expect(members.finished(soon)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ details: { type: "ValueError" } });
    await expect(members.get(soon)).rejects.toMatchObject({ details: { type: "ValueError" } });
  });
  it("counts members, a group inside as one", async () => {
    open();
    const mixed = await group([add.s(1, 1), fail.s(1), chain(add.s(1, 1), group([add.s(2), add.s(3)]))]).send();
    expect([await mixed.completedCount(), await mixed.ready(), await mixed.failed()]).toEqual([0, false, false]);
    await work(app);
    expect([await mixed.completedCount(), await mixed.ready(), await mixed.failed(), await mixed.successful()]).toEqual([
      2,
      true,
      true,
      false,
    ]);
    await mixed.forget();
    expect(await mixed.ready()).toBe(false);
  });
  it("comes back whole after it was saved: nested, with its parents", async () => {
    open();
    const sent = await chain(add.s(1, 1), group([add.s(1), chain(add.s(2), group([add.s(3), add.s(4)]))])).send();
    await sent.save();
    await work(app);
    const found = await app.groupResult(sent.id);
    expect(found?.toJSON()).toEqual(sent.toJSON());
    expect(await found?.get(soon)).toEqual([3, [7, 8]]);
    expect(await found?.parent?.get(soon)).toBe(2);
  });
  it("of nothing is there at once", async () => {
    open();
    const empty = await group([]).send(app);
    expect([await empty.get(soon), await empty.ready(), await empty.completedCount()]).toEqual([[], true, 0]);
    for await (const _ of empty) throw new Error("it has no member");
    expect(await work(app)).toEqual([]);
    const ofNothing = await chord([], sum.s()).send();
    await work(app);
    expect(await ofNothing.get(soon)).toBe(0);
  });
  it("is what a chord gives whose body is a group", async () => {
    open();
    const members = await chord([add.s(1, 1), add.s(2, 2)], group([sum.s(), sum.s()])).send();
    await work(app);
    expect(await members.get(soon)).toEqual([6, 6]);
    expect(await members.completedCount()).toBe(2);
  });
  it("of chunks is a list of lists", async () => {
    open();
    const pairs = await chunks(add, [[1, 1], [2, 2], [3, 3]], 2).send(app); // biome-ignore format: one line
    await work(app);
    expect(await pairs.get(soon)).toEqual([[2, 4], [6]]);
  });
  it("revokes all of its tasks", async () => {
    open();
    const nested = await group([add.s(1, 1), chain(add.s(1, 1), group([add.s(2), add.s(3)]))]).send();
    await nested.revoke();
    const { revokes } = await (await app.store()).revokes.since(0, 10);
    const [plain, inner] = nested.results as [AsyncResult, GroupResult];
    expect(revokes.map(({ value }) => value)).toEqual([plain.id, ...inner.results.map(({ id }) => id)]);
  });
});
