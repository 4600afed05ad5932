import { chain, chord, createApp, currentRun, defineTask, group, type SendOptions } from "lovage";
import { startWorker, type WorkerHandle } from "lovage/worker";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Runs that the test lets go on. */
const gates: ((how: "end" | "fail" | "retry") => void)[] = [];
const atGate = () =>
  new Promise<string>((resolve, reject) =>
    gates.push((how) => {
      if (how === "fail") reject(new TypeError("no"));
      else if (how === "retry") reject(new RangeError("again"));
      else resolve("done");
    }),
  );
const retry = { on: [RangeError], max: 1, backoff: 0 };
const report = defineTask("u.report", { unique: true, params: ["of", "options"], retry }, (_of: string, _options?: object) => atGate());
const perUser = defineTask("u.user", { unique: { key: (user: string) => user } }, (_user: string, _text: string) => atGate());
const queued = defineTask("u.queued", { unique: { until: "start" } }, () => atGate());
const plain = defineTask("u.plain", (_of: string) => atGate());
const sender = defineTask("u.sender", async () => {
  const first = await currentRun().once("first", async () => (await report.delay("inside")).id);
  const second = await report.delay("inside");
  return [first === second.id, second.duplicate];
});
const sendsLater = defineTask("u.later", () => currentRun().sendOnSuccess(report, ["later"]));

async function start(pool: "inline" | null = "inline") {
  const app = createApp({ name: "unique", broker: "memory:", tasks: [report, perUser, queued, plain, sender, sendsLater] });
  const worker: WorkerHandle | null = pool && (await startWorker(app, { pool, concurrency: 4, logLevel: "silent" }));
  closing.push(async () => {
    for (const open of gates.splice(0)) open("end");
    await worker?.stop("warm");
    await app.close();
  });
  await worker?.ready;
  return app;
}
const started = (count: number) => expect.poll(() => gates.length, { timeout: 5000 }).toBe(count);

describe("a unique task", () => {
  it("is not sent while the same one waits or runs: both callers hold one handle", async () => {
    const app = await start();
    const first = await app.send(report, ["a", { x: 1, y: 2 }]);
    expect(first.duplicate).toBe(false);
    await started(1);
    const same = await report.delay("a", { y: 2, x: 1 });
    expect(same).toMatchObject({ id: first.id, duplicate: true });
    expect(await app.send("u.report", [], { kwargs: { of: "a", options: { x: 1, y: 2 } } })).toMatchObject({
      id: first.id,
      duplicate: true,
    });
    expect((await report.delay("b")).duplicate).toBe(false);
    await started(2);
    gates.shift()?.("end");
    expect(await same.get({ timeoutMs: 5000 })).toBe("done");
    expect(await report.delay("a", { x: 1, y: 2 })).toMatchObject({ duplicate: false });
    await started(2);
  });

  it("keeps its key over a retry, and gives it back when it fails, is revoked or expires", async () => {
    const app = await start();
    const first = await report.delay("a");
    await started(1);
    gates.shift()?.("retry");
    await started(1);
    expect((await report.delay("a")).id).toBe(first.id);
    gates.shift()?.("fail");
    await expect(first.get({ timeoutMs: 5000 })).rejects.toThrow("no");
    const late = await app.send(report, ["a"], { expires: new Date(Date.now() - 1000) });
    expect(late.duplicate).toBe(false);
    await expect(late.get({ timeoutMs: 5000 })).rejects.toThrow("expired");
    const later = await app.send(report, ["a"], { countdown: 0.3 });
    expect(later.duplicate).toBe(false);
    await later.revoke();
    await expect(later.get({ timeoutMs: 5000 })).rejects.toThrow("revoked");
    expect((await report.delay("a")).duplicate).toBe(false);
    await started(1);
  });

  it("is sent again as soon as one that is parked was revoked, and not while one runs that was", async () => {
    const app = await start();
    const parked = await app.send(report, ["a"], { countdown: 3600 });
    expect((await report.delay("a")).id).toBe(parked.id);
    await parked.revoke();
    const runs = await report.delay("a");
    expect(runs.duplicate).toBe(false);
    await started(1);
    await runs.revoke();
    expect((await report.delay("a")).id).toBe(runs.id);
    gates.shift()?.("end");
    expect(await runs.get({ timeoutMs: 5000 })).toBe("done");
    expect((await report.delay("a")).duplicate).toBe(false);
    await started(1);
  });

  it("is told apart by its own key, or by the caller's", async () => {
    const app = await start(null);
    const first = await perUser.delay("ada", "one");
    expect(await perUser.delay("ada", "two")).toMatchObject({ id: first.id, duplicate: true });
    expect((await perUser.delay("bob", "one")).duplicate).toBe(false);
    const by = (key: string, more: SendOptions = {}) => app.send("u.elsewhere", [Math.random()], { unique: { key }, ...more });
    const named = await by("k");
    expect((await by("k")).id).toBe(named.id);
    expect((await by("other")).duplicate).toBe(false);
    expect((await app.send(perUser, ["ada", "three"], { unique: false })).duplicate).toBe(false);
    const short = await app.send("u.elsewhere", [], { unique: { key: "short", forMs: 20 } });
    await expect.poll(async () => (await by("short")).id, { timeout: 5000 }).not.toBe(short.id);
  });

  it("until its start lets the next one wait while it runs", async () => {
    await start();
    const first = await queued.delay();
    await started(1);
    const second = await queued.delay();
    expect(second.duplicate).toBe(false);
    await started(2);
    expect(second.id).not.toBe(first.id);
  });

  it("may be sent from a run and among many", async () => {
    const app = await start();
    const outer = await app.send(sender, []);
    expect(await outer.get({ timeoutMs: 5000 })).toEqual([true, true]);
    const many = await app.sendMany(perUser, [
      ["a", "1"],
      ["b", "1"],
      ["a", "2"],
    ]);
    expect(many.map(({ duplicate }) => duplicate)).toEqual([false, false, true]);
    expect(many[2]?.id).toBe(many[0]?.id);
    await started(3);
  });

  it("cannot be a part of a composition, and says so", async () => {
    const app = await start();
    const refused = { code: "LOVAGE_UNIQUE_IN_CANVAS", details: { task: "u.report" } };
    await expect(app.send(group(plain.s("x"), report.s("x")))).rejects.toMatchObject(refused);
    await expect(app.send(chain(plain.si("x"), report.si("x")))).rejects.toMatchObject(refused);
    await expect(app.send(chord([plain.si("x")], report.si("x")))).rejects.toMatchObject(refused);
    await expect(app.send(plain, ["x"], { link: report.si("x") })).resolves.toBeDefined();
    await expect((await app.send(sendsLater, [])).get({ timeoutMs: 5000 })).rejects.toThrow("sendOnSuccess");
    const free = report.si("x").set({ unique: false });
    expect((await app.send(group(free, free))).results.map((each) => "duplicate" in each && each.duplicate)).toEqual([false, false]);
    await started(3);
  });
});
