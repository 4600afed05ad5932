import { afterEach, describe, expect, it } from "vitest";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";
import type { App } from "./app.ts";
import { createApp } from "./create-app.ts";

const apps: App[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
function appOf(...tasks: readonly ReturnType<typeof defineTask>[]): App {
  const app = createApp({ name: "test", tasks, broker: "memory:", environment: false, folder: false });
  apps.push(app);
  return app;
}
const once = defineTask("q.once", { unique: true }, (_of: string) => 1);
const flags = (handles: readonly object[]) => handles.map((handle) => "duplicate" in handle && handle.duplicate);

describe("a unique task that the sending app does not list", () => {
  it("is unique where the caller hands in its definition", async () => {
    const app = appOf();
    const first = await app.send(once, ["a"]);
    expect(await app.send(once, ["a"])).toMatchObject({ id: first.id, duplicate: true });
    expect(flags(await app.sendMany(once, [["a"], ["b"], ["b"]]))).toEqual([true, false, true]);
  });
  it("is unique where a signature is made of its definition", async () => {
    const app = appOf();
    const first = await app.send(once.s("a"));
    const again = [app.send(once.s("a").set({ queue: "q" })), once.si("a").send(app), app.send(once.s().clone(["a"]))];
    for (const handle of await Promise.all(again)) expect(handle).toMatchObject({ id: first.id, duplicate: true });
    expect(flags(await app.sendMany([once.s("b"), once.s("b"), once.s("c").set({ unique: false })]))).toEqual([false, true, false]);
  });
  it("is refused in a composition, as one that is listed", async () => {
    const app = appOf();
    const other = remoteTask<[...unknown[]], unknown>("q.other");
    const compositions = [chain(other.s(), once.si("a")), group(once.s("a"), other.s()), chord([chain(once.s("a"), other.s())], other.s())];
    for (const each of compositions)
      await expect(app.send(each as never)).rejects.toMatchObject({ code: "LOVAGE_UNIQUE_IN_CANVAS", details: { task: "q.once" } });
  });
  it("goes by the definition handed in where the app lists another", async () => {
    const app = appOf(defineTask("q.once", (_of: string) => 2) as never);
    await app.send(once, ["a"]);
    expect(flags([await app.send(once, ["a"]), await app.send("q.once", ["a"])])).toEqual([true, false]);
  });
});

describe("a key function", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["an object (Promise)", Promise.resolve("a")],
    ["an object (Object)", {}],
    ['""', ""],
    ["NaN", Number.NaN],
  ])("that gives %s is refused, and nothing is sent", async (shown, key) => {
    const app = appOf();
    const task = defineTask("q.keyed", { unique: { key: () => key as never } }, (_of: string) => 1);
    await expect(app.send(task, ["a"])).rejects.toMatchObject({
      code: "LOVAGE_LIMIT_KEY_INVALID",
      message: expect.stringContaining(`Task "q.keyed": the function unique.key gave ${shown} for a call`),
    });
    expect(await (await app.store()).broker.queues.peek("celery", 10)).toEqual([]);
  });
  it("may give text, a number or a boolean", async () => {
    const app = appOf();
    const task = defineTask("q.keyed", { unique: { key: (key: string | number | boolean) => key } }, (_: string | number | boolean) => 1);
    expect(flags(await app.sendMany(task, [["a"], [0], [false], [0]]))).toEqual([false, false, false, true]);
  });
});
