// Lovage calls, Python's Celery runs: what a TypeScript user sends must mean to a Python worker what it says.
import { chain, chord, group, isLovageError, remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Site, skipped } from "./support/site.ts";

const add = remoteTask<[x: number, y: number], number>("py.add");
const sum = remoteTask<[values: readonly number[]], number>("py.sum");
const fail = remoteTask<[what: string, left: number], never>("py.fail");
const kind = remoteTask<[value: unknown], [type: string, value: unknown]>("py.kind");
const about = remoteTask<[], Record<string, unknown>>("py.about");
const now = remoteTask<[], number>("py.now");
const patient = { timeoutMs: 20_000 };

describe.skipIf(skipped)("a Lovage client and a Python worker", () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    await site.celeryWorker("py", "-Q", "py,elsewhere", "-c", "2");
  });
  afterAll(() => site?.close());

  it("a remote task gives its value, by position and by keyword", async () => {
    expect(await (await site.app.send(add, [2, 3])).get(patient)).toBe(5);
    expect(await (await site.app.send("py.add", [2], { kwargs: { y: 3 } })).get(patient)).toBe(5);
    const calls = Array.from({ length: 50 }, (_, i) => [i, i] as const);
    const results = await site.app.sendMany(add, calls as never);
    expect(await Promise.all(results.map((result) => result.get(patient)))).toEqual(calls.map(([x, y]) => x + y));
  });

  it("a failure is a RemoteError with type, arguments and Python's traceback", async () => {
    const result = await site.app.send(fail, ["pots", 0]);
    const error = await result.get(patient).catch((thrown: unknown) => thrown);
    if (!isLovageError(error, "LOVAGE_TASK_FAILED")) throw error;
    expect(error.name).toBe("RemoteError");
    expect(error.message).toBe(`Task ${result.id} failed: OutOfStock('pots', 0)`);
    expect(error.details).toMatchObject({ taskId: result.id, type: "OutOfStock", module: "tasks", args: ["pots", 0] });
    expect(error.details.traceback).toMatch(/^Traceback[\s\S]+tasks\.py[\s\S]+OutOfStock: \('pots', 0\)/);
    expect(await result.state()).toBe("FAILURE");
  });

  it("a task that Python does not know is NotRegisteredError", async () => {
    const result = await site.app.send("py.nobody", []);
    await expect(result.get(patient)).rejects.toMatchObject({ code: "LOVAGE_NOT_REGISTERED" });
  });

  it("countdown and eta hold it back; what has expired is revoked", async () => {
    const sentAt = Date.now();
    const [countdown, eta, expired] = await Promise.all([
      site.app.send(now, [], { countdown: 0.8 }),
      site.app.send(now, [], { eta: new Date(sentAt + 800) }),
      site.app.send(now, [], { countdown: 0.5, expires: 0.2 }),
    ]);
    for (const result of [countdown, eta]) expect((await result.get(patient)) - sentAt).toBeGreaterThanOrEqual(780);
    await expect(expired.get(patient)).rejects.toMatchObject({ code: "LOVAGE_TASK_REVOKED" });
  });

  it("queue, priority, limits, headers and ids arrive", async () => {
    const result = await site.app.send(about, [], {
      queue: "elsewhere",
      priority: 3,
      timeLimit: "1m",
      softTimeLimit: 30,
      headers: { "x-tenant": "red" },
      taskId: "about",
    });
    expect(await result.get(patient)).toMatchObject({
      id: "about",
      root: "about",
      parent: null,
      queue: "elsewhere",
      priority: 3,
      timelimit: [60, 30],
      tenant: "red",
    });
  });

  it("its time limits are TimeLimitError and SoftTimeLimitError", async () => {
    const nap = remoteTask<[seconds: number]>("py.nap");
    const soft = await site.app.send(nap, [30], { softTimeLimit: 1 });
    await expect(soft.get(patient)).rejects.toMatchObject({ code: "LOVAGE_SOFT_TIME_LIMIT" });
    const hard = await site.app.send(nap, [30], { timeLimit: 1 });
    await expect(hard.get(patient)).rejects.toMatchObject({ code: "LOVAGE_TIME_LIMIT" });
  });

  it("link gets the value, linkError the id of what failed", async () => {
    await site.app.send(add, [1, 2], { link: add.s(10).set({ taskId: "linked" }) });
    expect(await site.app.result("linked").get(patient)).toBe(13);
    await site.app.send(fail, ["tea", 0], { taskId: "failed", linkError: kind.s().set({ taskId: "errback" }) });
    expect(await site.app.result("errback").get(patient)).toEqual(["str", "failed"]);
  });

  it("chain, group and chord run in Python", async () => {
    expect(await (await chain(add.s(1, 2), add.s(3), add.s(4)).send(site.app)).get(patient)).toBe(10);
    expect(await (await group([add.s(1, 1), add.s(2, 2), add.s(3, 3)]).send(site.app)).get(patient)).toEqual([2, 4, 6]);
    const twenty = Array.from({ length: 20 }, (_, i) => add.s(i, i));
    expect(await (await chord(twenty, sum.s()).send(site.app)).get(patient)).toBe(380);
    const failing = await chord([add.s(1, 1), fail.s("ink", 0)], sum.s()).send(site.app);
    await expect(failing.get(patient)).rejects.toMatchObject({ code: "LOVAGE_CHORD_FAILED" });
  });
});
