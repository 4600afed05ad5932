// One canvas over both languages, each member on the queue of its own: who counts a chord last, and who sends the body, is open.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chain, chord, group, remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";

const ts = {
  add: remoteTask<[x: number, y: number], number>("ts.add"),
  sum: remoteTask<[values: readonly number[]], number>("ts.sum"),
  fail: remoteTask<[what: string], number>("ts.fail"),
};
const py = {
  add: remoteTask<[x: number, y: number], number>("py.add"),
  sum: remoteTask<[values: readonly number[]], number>("py.sum"),
  fail: remoteTask<[what: string, left: number], number>("py.fail"),
};
const patient = { timeoutMs: 20_000 };

describe.skipIf(skipped)("a Lovage worker beside a Python worker", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    python = await site.bothWorkers();
  });
  afterAll(() => site?.close());

  const header = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? ts.add.s(i, i) : py.add.s(i, i)));

  it("a chord of TypeScript has members in both, and its body in either", async () => {
    const [inTs, inPy] = await Promise.all([chord(header, ts.sum.s()).send(site.app), chord(header, py.sum.s()).send(site.app)]);
    expect([await inTs.get(patient), await inPy.get(patient)]).toEqual([380, 380]);
  });

  it("a chord of Python has members in both, and its body in either", async () => {
    const members = "[s('ts.add' if i % 2 == 0 else 'py.add', i, i) for i in range(20)]";
    expect(await python.eval(`get(chord(${members})(s('ts.sum')))`)).toBe(380);
    expect(await python.eval(`get(chord(${members})(s('py.sum')))`)).toBe(380);
  });

  it("many chords at once: each body once, from whichever side completes it", async () => {
    const file = join(site.folder, "bodies");
    const body = (i: number) => remoteTask<[values: readonly number[], file: string], number>(i % 2 === 0 ? "ts.note" : "py.note").s(file);
    const chords = Array.from({ length: 40 }, (_, i) => chord([ts.add.s(i, 0), py.add.s(i, 1), ts.add.s(i, 2), py.add.s(i, 3)], body(i)));
    const results = await site.app.sendMany(chords);
    const totals = Array.from({ length: 40 }, (_, i) => 4 * i + 6);
    expect(await Promise.all(results.map((result) => result.get(patient)))).toEqual(totals);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.sort()).toEqual(totals.map((total, i) => `${total} ${i % 2 === 0 ? "lovage" : "python"}`).sort());
  });

  it("results stand in the order of the header, whoever ran them", async () => {
    const echo = remoteTask<[value: unknown], number[]>("ts.echo");
    const result = await chord(header, echo.s()).send(site.app);
    expect(await result.get(patient)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    expect(await python.eval("get(group(s('ts.add' if i % 2 else 'py.add', i, i) for i in range(10))())")).toEqual(
      Array.from({ length: 10 }, (_, i) => 2 * i),
    );
  });

  it("a chain goes to and fro, sent from either side", async () => {
    const steps = chain(ts.add.s(1, 2), py.add.s(3), ts.add.s(4), py.add.s(5), ts.add.s(6));
    expect(await (await steps.send(site.app)).get(patient)).toBe(21);
    expect(await python.eval("get(chain(s('py.add', 1, 2), s('ts.add', 3), s('py.add', 4), s('ts.add', 5))())")).toBe(15);
  });

  it("a group in the middle of a chain becomes a chord, upgraded by the worker of the step before", async () => {
    const fromTs = chain(py.add.s(1, 2), group([ts.add.s(10), py.add.s(20)]), ts.sum.s());
    expect(await (await fromTs.send(site.app)).get(patient)).toBe(36);
    expect(await python.eval("get(chain(s('ts.add', 1, 2), group(s('ts.add', 10), s('py.add', 20)), s('py.sum'))())")).toBe(36);
  });

  it("a member that fails on one side fails the body of the other", async () => {
    const failures = await Promise.all([
      chord([ts.add.s(1, 1), py.fail.s("ink", 0)], ts.sum.s()).send(site.app),
      chord([py.add.s(1, 1), ts.fail.s("ink")], py.sum.s()).send(site.app),
    ]);
    for (const failure of failures)
      await expect(failure.get(patient)).rejects.toMatchObject({
        code: "LOVAGE_CHORD_FAILED",
        message: expect.stringContaining("OutOfStock("),
      });
  });

  it("links cross over, for success and for failure", async () => {
    await site.app.send(py.add, [1, 2], { link: ts.add.s(10).set({ taskId: "to-ts" }) });
    await site.app.send(ts.add, [1, 2], { link: py.add.s(20).set({ taskId: "to-py" }) });
    expect(await site.app.result("to-ts").get(patient)).toBe(13);
    expect(await site.app.result("to-py").get(patient)).toBe(23);
    const errback = remoteTask<[id: string], string>("ts.echo").s().set({ taskId: "errback" });
    await site.app.send(py.fail, ["tea", 0], { taskId: "failed", linkError: errback });
    expect(await site.app.result("errback").get(patient)).toBe("failed");
  });

  it("stamps go along, and disturb no Python that knows none", async () => {
    const stamped = chain(py.add.s(1, 2), group([ts.add.s(1), py.add.s(1)]), py.sum.s(), ts.add.s(1)).stamp({
      tenant: "red",
      tags: ["a", "b"],
    });
    expect(await (await stamped.send(site.app)).get(patient)).toBe(9);
  });

  it("a saved group is found again on the other side", async () => {
    const ours = await group([ts.add.s(1, 1), py.add.s(2, 2)]).send(site.app);
    await ours.save();
    expect(await python.eval("get(GroupResult.restore(given, app=app))", ours.id)).toEqual([2, 4]);
    const id = await python.eval<string>("(lambda r: r.save() and r.id)(group(s('ts.add', 3, 3), s('py.add', 4, 4))())");
    expect(await (await site.app.groupResult(id))?.get(patient)).toEqual([6, 8]);
  });
});
