import { afterAll, describe, expect, it } from "vitest";
import { newTaskMessage } from "../message/new-task-message.ts";
import { ambientRuns } from "../task/ambient.ts";
import { defineTask } from "../task/define-task.ts";
import type { App } from "./app.ts";
import { createApp } from "./create-app.ts";

const add = defineTask("t.add", { params: ["x", "y"] }, (x: number, y: number = 100) => x + y);
const app = createApp({ name: "test", tasks: [add], broker: "memory:", environment: false, folder: false });
afterAll(() => app.close());

const call = (name: string, ...args: readonly unknown[]) => app.registry.get(name)?.handler(...args);
const inner = add.s().toSignature();

describe("a built-in task", () => {
  it("answers a ping", async () => expect(await call("celery.ping")).toBe("pong"));
  it("gives the results of a group, or all its arguments", async () => {
    const accumulated = (args: readonly unknown[], kwargs = {}) =>
      ambientRuns.run({ message: { args, kwargs } } as never, () => call("celery.accumulate"));
    expect(await accumulated([[1, 2]], { index: 0 })).toEqual([1, 2]);
    expect(await accumulated([[1, 2], 0])).toEqual([[1, 2], 0]);
    expect(await accumulated([])).toEqual([]);
  });
  it("maps a task over items, in place and in order", async () => {
    expect(await call("celery.map", inner, [1, 2])).toEqual([101, 102]);
    expect(await call("celery.starmap", inner, [[1, 2], [3]])).toEqual([3, 103]);
  });
  it("says which task it does not know", async () => {
    await expect(call("celery.map", { ...inner, task: "t.nobody" }, [1])).rejects.toMatchObject({ code: "LOVAGE_NOT_REGISTERED" });
  });
  it("sends chunks as a group of starmaps, and gives its handle", async () => {
    const run = {
      sender: app as App,
      message: newTaskMessage({ task: "t", id: "r" }),
      publish: () => app.store(),
      addChild: () => undefined,
    };
    const handle = await ambientRuns.run(run as never, () =>
      call(
        "celery.chunks",
        inner,
        [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
        2,
      ),
    );
    expect(JSON.parse(JSON.stringify(handle))[1]).toHaveLength(2);
  });
});
