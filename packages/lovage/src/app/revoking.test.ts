import { afterEach, describe, expect, it } from "vitest";
import { work } from "../../test-data/work.ts";
import { matcher, revokesKeptMs } from "../broker/revokes.ts";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { currentRun } from "../execution/current-run.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { defineTask } from "../task/define-task.ts";
import type { App } from "./app.ts";
import { createApp } from "./create-app.ts";

const add = defineTask("r.add", (x: number, y: number) => x + y);
const sum = defineTask("r.sum", (all: number[]) => all.reduce((a, b) => a + b, 0));
const told = defineTask("r.told", (..._: unknown[]) => [currentRun().tags, currentRun().correlationId]);
const fail = defineTask("r.fail", () => Promise.reject(new Error("no")));
const sends = defineTask("r.sends", async () => {
  await add.delay(1, 1);
  await app?.send(add, [2, 2], { tags: ["own"] });
});

let app: App | undefined;
const open = (): App => {
  app = createApp({ name: "r", tasks: [add, sum, told, fail, sends], broker: "memory:", environment: false, folder: false });
  return app;
};
afterEach(() => app?.close());

const kept = async (of: App) => (await (await of.store()).revokes.since(0, 100)).revokes.map(({ expiresAt: _, ...revoke }) => revoke);

describe("app.revoke", () => {
  it("takes ids, roots, tags, correlation ids and stamps", async () => {
    const own = open();
    await own.revoke("a");
    await own.revoke(["b", "c"], { terminate: true, killAfterMs: 5 });
    await own.revoke({ root: "r", tag: ["t1", "t2"], correlationId: "c", stamps: { user: [1, "1"] } }, { terminate: true });
    const usual = { terminate: true, killAfterMs: own.config.killAfterMs };
    expect(await kept(own)).toEqual([
      { by: "id", value: "a", terminate: false, killAfterMs: own.config.killAfterMs },
      ...["b", "c"].map((value) => ({ by: "id", value, terminate: true, killAfterMs: 5 })),
      { by: "root", value: "r", ...usual },
      ...['["tags","t1"]', '["tags","t2"]', '["correlation","c"]', '["user",1]', '["user","1"]'].map((value) => ({
        ...{ by: "stamp", value },
        ...usual,
      })),
    ]);
  });

  it("knows what Celery's signals mean", async () => {
    const own = open();
    for (const signal of ["SIGKILL", "kill", 9, "SIGUSR1", "term"]) await own.revoke("a", { terminate: true, signal });
    await own.revoke("a", { terminate: true, signal: "SIGUSR1", killAfterMs: 7 });
    const { killAfterMs } = own.config;
    expect((await kept(own)).map((revoke) => [revoke.signal, revoke.killAfterMs])).toEqual([
      ...[0, 1, 2].map(() => ["SIGKILL", 0]),
      ["SIGUSR1", null],
      ["SIGTERM", killAfterMs],
      ["SIGUSR1", 7],
    ]);
  });

  it.each([
    [{}, {}],
    ["", {}],
    [["a", ""], {}],
    [{ id: [""] }, {}],
    [{ root: "" }, {}],
    [{ tag: ["t", ""] }, {}],
    [{ correlationId: "" }, {}],
    [[undefined], {}],
    ["a", { terminate: true, signal: "SIGNOPE" }],
  ])("refuses %j with %j", async (target, options) => {
    await expect(open().revoke(target as string, options)).rejects.toMatchObject({ code: "LOVAGE_REVOKE_INVALID" });
  });

  it("counts what it meets, and with dryRun does nothing else", async () => {
    const own = open();
    const tagged = { tags: ["user:42"] };
    await own.sendMany(add, [[1, 1], [2, 2]], tagged); // biome-ignore format: one line
    await own.send(add, [3, 3], { ...tagged, countdown: 60 });
    await own.send(add, [4, 4], { tags: ["user:4"] });
    const { broker, leases } = await own.store();
    const info = { id: "n", name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "solo", slots: 1, queues: [], tasks: [] };
    await leases.announce({ ...info, startedAt: 0, runners: [] });
    await leases.open("n", "e");
    await broker.reserve({ epoch: "e", number: 1, queues: ["celery"], count: 1 });
    expect(await own.revoke({ tag: "user:42" }, { dryRun: true })).toEqual({ waiting: 2, parked: 0, running: 1 });
    expect(await kept(own)).toEqual([]);
    expect(await own.revoke({ tag: "user:42" }, { count: true })).toEqual({ waiting: 2, parked: 0, running: 1 });
    expect(await kept(own)).toHaveLength(1);
    expect(await own.revoke("nobody")).toBeUndefined();
  });

  it("of a handle's whole composition means all steps, and what they send", async () => {
    const own = open();
    const handle = await chain(group(add.s(1, 1), add.s(2, 2)), sum.s(), group(add.s(1), add.s(2)), sum.s()).send();
    await handle.revoke({ whole: true });
    const meant = matcher(await kept(own));
    const ran: TaskMessage[] = await work(own);
    expect(ran.length).toBeGreaterThan(5);
    expect(ran.filter((message) => meant({ ...message, id: "unknown" }) === undefined && meant(message) === undefined)).toEqual([]);
    expect(revokesKeptMs).toBeGreaterThan(86_400_000);
  });
});

describe("tags and correlation id", () => {
  const family = { tags: ["user:42", "nightly"], correlationId: "request-7" };
  const stamps = { tags: ["user:42", "nightly"], correlation: "request-7" };

  it("reach all tasks of a canvas, its links and its bodies", async () => {
    const own = open();
    const inner = chord([add.s(1, 1), chain(add.s(1, 1), add.s(2))], sum.s()).immutable();
    const whole = chain(add.s(1, 1).link(told.s()), group(add.s(1), inner), told.s()).linkError(told.s());
    await own.send(whole, family);
    await own.send(fail, [], { ...family, linkError: told.s() });
    const ran = await work(own);
    expect(ran.length).toBeGreaterThan(9);
    for (const message of ran) expect(message.stamps).toEqual(stamps);
  });

  it("go on to what a run sends, beside its own", async () => {
    const own = open();
    await own.send(sends, [], family);
    const [, first, second] = await work(own);
    expect(first?.stamps).toEqual(stamps);
    expect(second?.stamps).toEqual({ tags: ["own", "user:42", "nightly"], correlation: "request-7" });
  });

  it("are what a run says they are", async () => {
    const own = open();
    const handle = await own.send(told, [], family);
    const bare = await own.send(told, []);
    await work(own);
    expect(await handle.get()).toEqual([["user:42", "nightly"], "request-7"]);
    expect(await bare.get()).toEqual([[], bare.id]);
  });

  it.each([[{ tags: "user" }], [{ tags: [""] }], [{ correlationId: "" }]])("refuses %j", async (options) => {
    await expect(open().send(add, [1, 1], options as never)).rejects.toMatchObject({ code: "LOVAGE_SEND_OPTIONS_INVALID" });
  });
});
