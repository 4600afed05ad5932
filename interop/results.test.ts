// Trees of results: what one side wrote the other reads, and both read the same.
import { type AsyncResult, chain, chord, chunks, type GroupResult, group, map, remoteTask, starmap } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

const ts = { add: remoteTask<[x: number, y: number], number>("ts.add"), sum: remoteTask<[values: readonly number[]], number>("ts.sum") };
const py = {
  add: remoteTask<[x: number, y: number], number>("py.add"),
  sum: remoteTask<[values: readonly number[]], number>("py.sum"),
  square: remoteTask<[number: number], number>("py.square"),
  fail: remoteTask<[what: string, left: number], number>("py.fail"),
};
const patient = { timeoutMs: 20_000 };

describe.skipIf(skipped)("trees of results", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    python = await site.bothWorkers();
  });
  afterAll(() => site?.close());

  it.each([
    ["of Lovage", ["ts.fan", "ts.hand", "ts.square"]],
    ["of Python", ["py.fan", "py.hand", "py.square"]],
    ["of both", ["ts.fan", "py.hand", "ts.square"]],
    ["of both, from Python", ["py.fan", "ts.hand", "py.square"]],
  ])("%s are collected alike by Python and by us", async (_, [fan = "", hand, square]) => {
    const root = await site.app.send(fan, [4, hand, square]);
    const ours: unknown[] = [];
    for await (const [result, value] of root.collect(patient)) ours.push([result.id, value]);
    expect(ours.map((pair) => (pair as unknown[])[1])).toEqual([null, [null, null, null, null], null, null, null, null, 0, 1, 4, 9]);
    expect(await python.eval("[[r.id, v] for r, v in app.AsyncResult(given).collect()]", root.id)).toEqual(ours);
  });

  it("a chain's parents are found through chords, by ids that both know", async () => {
    const last = await chain(py.add.s(1, 1), group([ts.add.s(2), py.add.s(3)]), ts.sum.s(), py.add.s(4)).send(site.app);
    expect(await last.get(patient)).toBe(13);
    const body = last.parent as AsyncResult<number>;
    const header = body.parent as GroupResult;
    expect([await body.get(patient), await header.get(patient), await header.parent?.get(patient)]).toEqual([9, [4, 5], 2]);
    // As Python reads it: the tuple is the handle.
    const seen =
      "(lambda r: [r.get(timeout=9), r.parent.get(timeout=9), [c.get(timeout=9) for c in r.parent.parent.results], r.parent.parent.parent.get(timeout=9)])";
    expect(await python.eval(`${seen}(result_from_tuple(given, app))`, last.toJSON())).toEqual([13, 9, [4, 5], 2]);
  });

  it("a saved group with groups inside and a parent comes back whole on the other side", async () => {
    const ours = await chain(py.add.s(1, 1), group([ts.add.s(1), chain(ts.add.s(2), group([py.add.s(3), ts.add.s(4)]))])).send(site.app);
    await ours.save();
    expect(await ours.get(patient)).toEqual([3, [7, 8]]);
    const restored =
      "(lambda r: [[c.get(timeout=9) for c in r.results], r.completed_count(), r.ready(), r.parent.get(timeout=9), r.as_tuple()])";
    const theirs = await python.eval<unknown[]>(`${restored}(GroupResult.restore(given, app=app))`, ours.id);
    expect(theirs).toEqual([[3, [7, 8]], 2, true, 2, ours.toJSON()]); // biome-ignore format: one line
    const [id, tuple] = await python.eval<[string, unknown]>(
      "(lambda r: r.save() and [r.id, r.as_tuple()])(chain(s('ts.add', 1, 1), group(s('py.add', 1), chain(s('py.add', 2), group(s('ts.add', 3), s('py.add', 4)))))())",
    );
    const found = await site.app.groupResult(id);
    expect(await found?.get(patient)).toEqual([3, [7, 8]]);
    expect(found?.toJSON()).toEqual(tuple);
    expect([await found?.completedCount(), await found?.successful(), await found?.parent?.get(patient)]).toEqual([2, true, 2]);
    await found?.forget();
    expect(await python.eval("GroupResult.restore(given, app=app).completed_count()", id)).toBe(0);
    await found?.delete();
    expect(await python.eval("GroupResult.restore(given, app=app) is None", id)).toBe(true);
    expect(await python.eval("(lambda r: r.delete() or r.id)(GroupResult.restore(given, app=app))", ours.id)).toBe(ours.id);
    expect(await site.app.groupResult(ours.id)).toBeUndefined();
  });

  it("a group of ours answers Python's questions as one of its own", async () => {
    const seen =
      "(lambda r: [r.join(timeout=9), r.get(timeout=9), [m.get() for m in r], [v['result'] for _, v in r.iter_native()], r.successful(), r.failed(), r.waiting(), r.completed_count(), len(r), r.children == r.results])";
    const ours = await group(ts.add.s(1, 1), py.add.s(2, 2)).send(site.app);
    await ours.get(patient);
    expect(await python.eval(`${seen}(result_from_tuple(given, app))`, ours.toJSON())).toEqual([
      ...[[2, 4], [2, 4], [2, 4], expect.toSatisfy((values: number[]) => values.length === 2)],
      ...[true, false, false, 2, 2, true],
    ]);
    const broken = await group(ts.add.s(1, 1), py.fail.s("ink", 0)).send(site.app);
    await broken.get(patient).catch(() => undefined);
    await Promise.all(broken.results.map((member) => waitFor("its end", () => member.ready())));
    const asked = "(lambda r: [r.successful(), r.failed(), r.waiting(), r.completed_count(), [str(v) for v in r.join(propagate=False)]])";
    expect(await python.eval(`${asked}(result_from_tuple(given, app))`, broken.toJSON())).toEqual([
      ...[false, true, false, 1],
      ["2", "('ink', 0)"],
    ]);
  });

  it("children of a run are Python's too: get_leaf(), iterdeps() and the graph of a chain", async () => {
    const root = await site.app.send("ts.fan", [2, "py.square"]);
    for await (const _ of root.collect(patient));
    const walked = "(lambda r: [r.get_leaf(), len(list(r.iterdeps())), len(r.graph), [type(c).__name__ for c in r.children]])";
    expect(await python.eval(`${walked}(app.AsyncResult(given))`, root.id)).toEqual([1, 4, 4, ["GroupResult"]]);
    const chained = await chain(py.add.s(1, 1), ts.add.s(2), py.add.s(3)).send(site.app);
    expect(await chained.get(patient)).toBe(7);
    const first = chained.parent?.parent as AsyncResult;
    expect(await python.eval("[v for _, v in app.AsyncResult(given).collect()]", first.id)).toEqual([2, 4, 7]);
    const ours: unknown[] = [];
    for await (const [, value] of first.collect(patient)) ours.push(value);
    expect(ours).toEqual([2, 4, 7]);
  });

  it("a group revoked by Python is refused by Lovage, one revoked by Lovage by Lovage", async () => {
    const later = { countdown: 2 };
    const theirs = await group(ts.add.s(1, 1).set(later), ts.add.s(2, 2).set(later)).send(site.app);
    await python.eval("result_from_tuple(given, app).revoke()", theirs.toJSON());
    const ours = await group(ts.add.s(1, 1).set(later)).send(site.app);
    await ours.revoke();
    for (const id of [...theirs.results, ...ours.results].map((each) => each.id))
      await waitFor("it to be refused", async () => (await python.eval("app.AsyncResult(given).state", id)) === "REVOKED");
  });

  it("a group is told as its members end, whoever runs them", async () => {
    const members = await group([ts.add.s(1, 1), py.add.s(2, 2), py.fail.s("ink", 0)]).send(site.app);
    const seen: unknown[] = [];
    for await (const one of members.finished(patient)) seen[one.index] = one.status === "fulfilled" ? one.value : one.reason.details.type;
    expect(seen).toEqual([2, 4, "OutOfStock"]);
    expect([await members.completedCount(), await members.failed(), await members.ready()]).toEqual([2, true, true]);
  });

  it("what stands behind a step that failed in Python ends, although Python says nothing of groups", async () => {
    const members = await chain(py.fail.s("ink", 0), group([ts.add.s(1), py.add.s(2)])).send(site.app);
    await expect(members.get(patient)).rejects.toMatchObject({ code: "LOVAGE_TASK_FAILED", details: { type: "OutOfStock" } });
  });

  it("groups of chains and chords of chords, members and bodies in both", async () => {
    const inner = (i: number) => chord([chain(ts.add.s(i, 1), py.add.s(1)), py.add.s(i, i)], i % 2 === 0 ? ts.sum.s() : py.sum.s());
    const outer = await chord([inner(1), inner(2), ts.add.s(0, 1)], py.sum.s()).send(site.app);
    expect(await outer.get(patient)).toBe(5 + 8 + 1);
    const grouped = await group([inner(1), chain(py.add.s(1, 1), ts.add.s(1))]).send(site.app);
    expect(await grouped.get(patient)).toEqual([5, 3]);
  });

  // A Python worker that starts a chord writes its body into every member of every chord in that body: four groups in a row are
  // what it can carry without trouble (docs/internals/canvas-cost.md).
  it.each([
    ["many groups goes through Lovage", 30, [ts.add]],
    ["some groups goes through both", 4, [ts.add, py.add]],
  ])("a chain of %s", async (_, count, adds) => {
    const member = (i: number) => adds[i % adds.length]?.s(1) ?? ts.add.s(1);
    const steps = Array.from({ length: count }, (_, i) => [
      group([member(i), member(i + 1)]),
      i % 2 < adds.length - 1 ? py.sum.s() : ts.sum.s(),
    ]);
    const inRow = chain as unknown as (...steps: unknown[]) => typeof start;
    const start = chain(ts.add.s(0, 1), ts.add.s(0));
    const last = await inRow(start, ...steps.flat()).send(site.app);
    const doubled = Array.from({ length: count }).reduce<number>((value) => 2 * value + 2, 1);
    expect(await last.get(patient)).toBe(doubled);
  });

  it("map, starmap and chunks run in Python", async () => {
    const inPython = { queue: "py" };
    expect(await (await map(py.square, [1, 2, 3]).send(site.app)).get(patient)).toEqual([1, 4, 9]);
    expect(await (await starmap(py.add, [[1, 2], [3, 4]]).send(site.app)).get(patient)).toEqual([3, 7]); // biome-ignore format: one line
    expect(await (await chunks(py.add, [[1, 1], [2, 2], [3, 3]], 2).send(site.app)).get(patient)).toEqual([[2, 4], [6]]); // biome-ignore format: one line
    const total = await chain(ts.add.s(1, 1), starmap(py.add, [[1, 2], [3, 4]]).set(inPython), py.sum.s()).send(site.app); // biome-ignore format: one line
    expect(await total.get(patient)).toBe(10);
  });
});
