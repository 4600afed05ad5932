import { afterEach, describe, expect, it, vi } from "vitest";
import { work } from "../../test-data/work.ts";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { chunks, map } from "../canvas/map.ts";
import { currentRun } from "../execution/current-run.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";
import type { App } from "./app.ts";
import type { AppOptions } from "./app-options.ts";
import { createApp } from "./create-app.ts";

const add = defineTask("t.add", { params: ["x", "y"] }, (x: number, y: number) => x + y);
const total = defineTask("t.total", (numbers: number[], more: number) => numbers.reduce((sum, one) => sum + one, more));
const fail = defineTask("t.fail", () => Promise.reject(new RangeError("too far")));

const apps: App[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
function appOf(options: AppOptions = {}): App {
  const app = createApp({ name: "test", tasks: [add, total, fail], broker: "memory:", environment: false, folder: false, ...options });
  apps.push(app);
  return app;
}

const waiting = async (app: App, queue = "celery") =>
  (await (await app.store()).broker.queues.peek(queue, 100)).map((bytes) => decodeTaskMessage(bytes));

describe("an app", () => {
  it("takes what a definition says of itself, also one that it does not list", async () => {
    const app = appOf();
    const gpu = defineTask("u.gpu", { queue: "gpu", priority: 3, expires: "1m", ignoreResult: true }, (_x: number) => 1);
    const handles = [await app.send(gpu, [1]), await app.send(gpu.s(2)), ...(await app.sendMany(gpu, [[3]])), await gpu.s(4).send(app)];
    await app.send(gpu, [5], { queue: "other", priority: 6 });
    expect(await waiting(app, "gpu")).toMatchObject(
      [1, 2, 3, 4].map((x) => ({ args: [x], priority: 3, ignoreResult: true, expires: expect.any(String) })),
    );
    expect(await waiting(app, "other")).toMatchObject([{ args: [5], priority: 6 }]);
    for (const handle of handles) await expect(handle.get()).rejects.toMatchObject({ code: "LOVAGE_RESULT_IGNORED" });
  });
  it("sends, and reads what came of it", async () => {
    const app = appOf();
    const handles = [await app.send(add, [2, 3]), await add.delay(1, 1), await app.send("t.add", [4, 4])];
    expect(await handles[0]?.state()).toBe("PENDING");
    await work(app);
    expect(await Promise.all(handles.map((handle) => handle?.get({ timeoutMs: 5000 })))).toEqual([5, 2, 8]);
    expect(await handles[0]?.successful()).toBe(true);
    await handles[0]?.forget();
    expect(await handles[0]?.info()).toBeUndefined();
  });
  it("throws what the task threw", async () => {
    const app = appOf();
    const handle = await app.send(fail, []);
    await work(app);
    await expect(handle.get()).rejects.toMatchObject({ name: "RemoteError", details: { type: "RangeError" } });
    expect(await handle.failed()).toBe(true);
  });
  it("runs chains, groups, chords, and a group in the middle of a chain", async () => {
    const app = appOf();
    const inChain = await chain(add.s(1, 2), add.s(10)).send(app);
    const inGroup = await group(add.s(1, 1), add.s(2, 2)).send(app);
    const joined = await chord(
      [1, 2, 3].map((n) => add.s(n, n)),
      total.s(100),
    ).send();
    const middle = await chain(add.s(1, 1), group([add.s(2), add.s(3)]), total.s(5), add.s(1)).delay();
    const empty = await chord([], total.s(7)).send(app);
    await work(app);
    expect(await inChain.get()).toBe(13);
    expect(await inGroup.get()).toEqual([2, 4]);
    expect(await joined.get()).toBe(112);
    expect(await middle.get()).toBe(15);
    expect(await empty.get()).toBe(7);
  });
  it("ends a chord whose member failed, and every wait for it", async () => {
    const app = appOf();
    const joined = await chord([add.s(1, 1), remoteTask<[], number>(fail.name).s()], total.s(0)).send(app);
    await work(app);
    await expect(joined.get({ timeoutMs: 5000 })).rejects.toMatchObject({ name: "ChordError" });
  });
  it("keeps the values of groups inside a chord's header nested as Python does", async () => {
    const app = appOf({ tasks: [add, defineTask("t.echo", (list: unknown) => list)] });
    const echo = remoteTask<[unknown], unknown>("t.echo");
    const joined = await chord([chain(add.s(1, 1), group(add.s(2), add.s(3))), add.s(4, 4)], echo.s()).send(app);
    await work(app);
    expect(await joined.get({ timeoutMs: 5000 })).toEqual([[4, 5], 8]);
  });
  it("gives up waiting at the deadline or by signal, and the task goes on", async () => {
    const app = appOf();
    const handle = await app.send(add, [1, 2]);
    await expect(handle.get({ timeoutMs: 1 })).rejects.toMatchObject({ code: "LOVAGE_WAIT_TIMEOUT" });
    await expect(handle.get({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    await work(app);
    expect(await handle.get()).toBe(3);
  });
  it("waits for a large group without a warning about listeners", async () => {
    const app = appOf();
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const handle = await group(Array.from({ length: 30 }, (_, n) => add.s(n, 1))).send(app);
    const values = handle.get({ timeoutMs: 5000 });
    await work(app);
    expect(await values).toHaveLength(30);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });
  it("does not wait for a result that will never be stored", async () => {
    const handle = await appOf().send(add, [1, 2], { ignoreResult: true });
    await expect(handle.get()).rejects.toMatchObject({ code: "LOVAGE_RESULT_IGNORED" });
  });
  it("writes every option where workers look for it", async () => {
    const app = appOf();
    await app.send(add, [1] as never, {
      ...{ queue: "q", priority: 6, countdown: 60, expires: "1h", timeLimit: "2m", softTimeLimit: 90, headers: { mine: 1 } },
      ...{ taskId: "my-id", link: add.s(1), linkError: fail.s(), shadow: "shown", correlationId: "c", tags: ["a"], kwargs: { y: 2 } },
      retry: { max: 7 },
    });
    const [message] = await waiting(app, "q");
    expect(message).toMatchObject({
      ...{ id: "my-id", rootId: "my-id", routingKey: "q", priority: 6, timeLimit: 120, softTimeLimit: 90, headers: { mine: 1 } },
      ...{ shadow: "shown", kwargs: { y: 2 }, lovage: { retry: { max: 7 } } },
      ...{ callbacks: [{ task: "t.add" }], errbacks: [{ task: "t.fail" }] },
      ...{ stampedHeaders: ["tags", "correlation"], stamps: { tags: ["a"], correlation: "c" } },
    });
    expect(Date.parse(message?.expires ?? "") - Date.parse(message?.eta ?? "")).toBe(59 * 60_000);
  });
  it("sends many in one publication", async () => {
    const app = appOf();
    const handles = await app.sendMany(add, [
      [1, 2],
      [3, 4],
    ]);
    const mixed = await app.sendMany([add.s(5, 6), group(add.s(1, 1), add.s(2, 2))]);
    await work(app);
    expect(await Promise.all(handles.map((handle) => handle.get()))).toEqual([3, 7]);
    expect(await Promise.all(mixed.map((handle) => handle.get()))).toEqual([11, [2, 4]]);
  });
  it("refuses wrong arguments, unknown queues, large messages and wrong calls before anything is sent", async () => {
    const app = appOf({ taskQueues: ["celery"], maxPayloadBytes: 2048 });
    await expect(app.send(add, [1, 2, 3] as never)).rejects.toMatchObject({ code: "LOVAGE_ARGUMENTS_INVALID" });
    await expect(app.send(add, [1, 2], { queue: "other" })).rejects.toMatchObject({ code: "LOVAGE_QUEUE_NOT_DECLARED" });
    await expect(app.send("t.any", ["x".repeat(4000)])).rejects.toMatchObject({
      code: "LOVAGE_MESSAGE_TOO_LARGE",
      details: { task: "t.any", part: "its arguments" },
    });
    await expect(app.send("t.any", [() => 1])).rejects.toMatchObject({ code: "LOVAGE_NOT_SERIALIZABLE" });
    await expect(app.send(undefined as never, [])).rejects.toMatchObject({ code: "LOVAGE_SEND_INVALID" });
    await expect(app.send(add, 7 as never)).rejects.toMatchObject({ code: "LOVAGE_SEND_INVALID" });
    expect(await waiting(app)).toEqual([]);
  });
  it("says which part of a composition is too large, and what to do", async () => {
    const app = appOf({ maxPayloadBytes: 4096 });
    const tooLarge = (part: string, remedy: string) => ({
      code: "LOVAGE_MESSAGE_TOO_LARGE",
      message: expect.stringMatching(new RegExp(`Most of it, \\d{4,} bytes, is ${part}: .*${remedy}`)),
      details: { part },
    });
    const any = remoteTask<unknown[], never>("t.any");
    const long = any.s("x".repeat(3000));
    const steps = Array.from({ length: 30 }, (_, i) => any.s(i));
    await expect((chain as unknown as (...steps: unknown[]) => typeof long)(...steps).send(app)).rejects.toMatchObject(
      tooLarge("the 29 later steps of its chain", "replace\\(\\) itself with the rest"),
    );
    await expect(chord([any.s(1)], long).send(app)).rejects.toMatchObject(tooLarge("the body of its chord", "less to carry"));
    await expect(any.s(1).link(long).send(app)).rejects.toMatchObject(tooLarge("its links and error links", "sends the rest"));
    await expect(
      any
        .s(1)
        .stamp({ note: "x".repeat(4000) })
        .send(app),
    ).rejects.toMatchObject(tooLarge("its headers and stamps", "reference"));
    expect(await waiting(app)).toEqual([]);
  });
  it("links and stamps compositions that it is given with options", async () => {
    const app = appOf();
    await app.send(group([add.s(1, 2), add.s(3, 4)]), {
      link: total.s(1),
      linkError: fail.s(),
      stamps: { tenant: "red" },
      kwargs: { z: 1 },
    });
    const [first, second] = await waiting(app);
    expect(first).toMatchObject({ callbacks: [{ task: "t.total", immutable: true }], errbacks: [{ task: "t.fail" }], kwargs: { z: 1 } });
    expect(second).toMatchObject({ callbacks: [], errbacks: [{ task: "t.fail" }], stamps: { tenant: "red" }, stampedHeaders: ["tenant"] });
  });
  it("sends one task over many arguments to where that task goes", async () => {
    const slow = defineTask("t.slow", { queue: "slow", ignoreResult: true }, (n: number) => n);
    const app = appOf({ tasks: [slow], taskRoutes: { "py.*": "python" } });
    await map(slow, [1, 2]).send(app);
    await chunks(remoteTask<[n: number], number>("py.f"), [[1], [2], [3]], 2).send(app); // biome-ignore format: one line
    expect(await waiting(app, "slow")).toMatchObject([{ task: "celery.map", kwargs: { it: [1, 2] }, ignoreResult: null }]);
    expect((await waiting(app, "python")).map(({ task, kwargs }) => [task, kwargs.it])).toEqual([
      ["celery.starmap", [[1], [2]]],
      ["celery.starmap", [[3]]],
    ]);
  });
  it("keeps a task that belongs to two apart, and says so when it cannot", async () => {
    const one = appOf({ name: "one" });
    const two = appOf({ name: "two" });
    await expect(add.delay(1, 2)).rejects.toThrow(/belongs to the apps "one", "two"/);
    await expect(chain(add.s(1, 2), add.s(3)).send()).rejects.toMatchObject({ code: "LOVAGE_APP_AMBIGUOUS" });
    await two.close();
    await add.delay(1, 2);
    expect(await waiting(one)).toHaveLength(1);
  });
  it("stays closed", async () => {
    const app = appOf();
    await app.close();
    await app.close();
    await expect(app.send(add, [1, 2])).rejects.toMatchObject({ code: "LOVAGE_APP_CLOSED" });
  });
  it("takes flags until its store is open", async () => {
    const app = appOf({ resultExpires: 60 });
    app.configure({ resultExpires: "3m", taskTimeLimit: 5 });
    // A second time: what is not named again stays.
    app.configure({ resultExpires: "2m" });
    expect(app.config.taskTimeLimit).toBe(5);
    expect(app.config).toMatchObject({ resultExpires: 120, sources: { resultExpires: "flags" } });
    expect(app.execution.resultExpiresMs).toBe(120_000);
    await app.store();
    expect(() => app.configure({})).toThrow(expect.objectContaining({ code: "LOVAGE_APP_IN_USE" }));
  });
  it("runs hooks in order, and every teardown although one throws", async () => {
    const seen: string[] = [];
    const note = (text: string) => () => void seen.push(text);
    const model = defineTask("t.model", { setup: note("task up"), teardown: note("task down") }, () => 1);
    const broken = defineTask("t.broken", { teardown: () => Promise.reject(new Error("stuck")) }, () => 1);
    const app = appOf({ tasks: { model, broken }, setup: note("app up"), teardown: note("app down") });
    await app.setup();
    await expect(app.teardown()).rejects.toThrow("stuck");
    expect(seen).toEqual(["app up", "task up", "task down", "app down"]);
  });
  it("shows messages to publish middleware, which may change or drop them", async () => {
    const app = appOf({
      middleware: [
        { name: "mark", publish: (message, next) => next({ ...message, headers: { mark: message.task } }) },
        { name: "drop", concerns: ({ args }) => args[0] === 13, publish: async () => undefined },
      ],
    });
    await app.sendMany(add, [
      [1, 2],
      [13, 0],
      [3, 4],
    ]);
    const sent = await waiting(app);
    expect(sent.map(({ args, headers }) => [args, headers])).toEqual([
      [[1, 2], { mark: "t.add" }],
      [[3, 4], { mark: "t.add" }],
    ]);
    const broken = appOf({ middleware: [{ name: "broken", publish: () => Promise.reject(new Error("mine")) }] });
    await expect(broken.send(add, [1, 2])).rejects.toThrow("mine");
    expect(await waiting(broken)).toEqual([]);
  });
});

describe("inside a run", () => {
  it("what is sent has the run for parent, its root, its correlation, and stands among its children", async () => {
    const parent = defineTask("t.parent", async () => {
      await add.delay(1, 2);
      await group(add.s(1, 1), add.s(2, 2)).send();
    });
    const app = appOf({ tasks: [add, parent] });
    const handle = await app.send(parent, [], { correlationId: "request-1", tags: ["user:1"] });
    const ran = await work(app);
    for (const child of ran.slice(1)) {
      expect(child).toMatchObject({ parentId: handle.id, rootId: handle.id, stamps: { tags: ["user:1"], correlation: "request-1" } });
    }
    const children = await handle.children();
    expect(await Promise.all(children.map((child) => child.get()))).toEqual([3, [2, 4]]);
  });
  it("sends on success come with the result, or not at all", async () => {
    const parent = defineTask("t.parent", async (works: boolean) => {
      const child = await currentRun().sendOnSuccess(add, [1, 2]);
      if (!works) throw new Error("no");
      return child;
    });
    const app = appOf({ tasks: [add, parent] });
    const good = await app.send(parent, [true]);
    const bad = await app.send(parent, [false]);
    expect((await work(app)).map(({ task }) => task)).toEqual(["t.parent", "t.parent", "t.add"]);
    expect(await bad.state()).toBe("FAILURE");
    // A handle is stored in Celery's form (celery-wire.md §5.5).
    const [[id]] = (await good.get()) as unknown as [[string, null], null];
    expect(await app.result(id).get()).toBe(3);
  });
  it("work under a key is done once", async () => {
    let done = 0;
    const book = defineTask("t.book", () =>
      currentRun().once("order-7", () => {
        done += 1;
        return { receipt: done };
      }),
    );
    const app = appOf({ tasks: [book] });
    const handles = [await app.send(book, []), await app.send(book, [])];
    await work(app);
    expect(await Promise.all(handles.map((handle) => handle.get()))).toEqual([{ receipt: 1 }, { receipt: 1 }]);
    expect(done).toBe(1);
  });
  it("a replacement ends under the id of what it replaces", async () => {
    const first = defineTask("t.first", (n: number) => currentRun().replace(chain(add.s(n, 1), add.s(10))) as number);
    const fan = defineTask("t.fan", () => currentRun().replace(group(add.s(1, 1), add.s(2, 2))) as number[]);
    const app = appOf({ tasks: [add, first, fan] });
    const one = await chain(first.s(1), add.s(100)).send(app);
    const two = await app.send(fan, []);
    await work(app);
    expect(await one.get({ timeoutMs: 5000 })).toBe(112);
    expect(await two.get({ timeoutMs: 5000 })).toEqual([2, 4]);
  });
});
