import { randomUUID } from "node:crypto";
import { type App, createApp, isLovageError } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkerNode } from "../worker/node.ts";
import { tasks } from "./fixtures/app.mjs";
import { Place, skips, storeKinds } from "./place.ts";
import { strangerMessage } from "./stranger.ts";

const untyped = tasks as unknown as Readonly<Record<string, never>>;

describe.each(storeKinds)("wrong arguments on %s", (kind) => {
  describe.skipIf(skips(kind))("", () => {
    let place: Place;
    let node: WorkerNode;
    /** Knows the tasks, so that it can check what it sends. */
    let app: App;
    beforeAll(async () => {
      place = await Place.open(kind);
      node = await place.node({ pool: "processes", concurrency: 2 });
      app = createApp({ name: "knowing", tasks, broker: place.broker, environment: false, folder: false });
    });
    afterAll(async () => {
      await app?.close();
      await place?.close();
    });

    const wrongCalls = [
      ["too many positional ones", "add", [1, 2, 3], undefined, 'takes 2: "x", "y"'],
      ["one that has no such name", "add", [1], { z: 2 }, 'has no parameter "z"'],
      ["one given twice", "add", [1], { x: 2 }, 'got "x" twice'],
      ["keywords where no names were declared", "echo", [], { value: 1 }, "declares no parameter names"],
      ["input that its schema refuses", "pot", [{ pots: "many" }], undefined, "pots: expected a whole number"],
      ["two inputs where a schema takes one", "pot", [{ pots: 1 }, 2], undefined, "takes one input object"],
    ] as const;

    it.each(wrongCalls)("are an error for the caller, and nothing is sent: %s", async (_, task, args, kwargs, says) => {
      const sent = app.send(untyped[task] as never, args as never, kwargs === undefined ? {} : { kwargs });
      const error = await sent.then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({ name: "UsageError", code: "LOVAGE_ARGUMENTS_INVALID", message: expect.stringContaining(says) });
      expect(await place.depth()).toBe(0);
    });

    it("are an error although the app does not list the task", async () => {
      const sent = place.app.send(tasks.echo as never, [] as never, { kwargs: { value: 1 } });
      await expect(sent).rejects.toMatchObject({ code: "LOVAGE_ARGUMENTS_INVALID" });
      await expect(place.app.sendMany(tasks.add as never, [[1, 2, 3]] as never)).rejects.toMatchObject({
        code: "LOVAGE_ARGUMENTS_INVALID",
      });
      expect(await place.depth()).toBe(0);
    });

    it.each(wrongCalls)("from a stranger end in a FAILURE that says what would do: %s", async (_, name, args, kwargs, says) => {
      const { name: task } = tasks[name];
      const id = randomUUID();
      await place.push(strangerMessage({ task, id, args, kwargs: kwargs ?? {} }));
      const error = await app
        .result(id)
        .get({ timeoutMs: 10_000 })
        .catch((caught: unknown) => caught);
      expect(isLovageError(error, "LOVAGE_TASK_FAILED")).toBe(true);
      const said = [expect.stringContaining(says), "LOVAGE_ARGUMENTS_INVALID"];
      expect(error).toMatchObject({ name: "RemoteError", details: { type: "TypeError", module: "builtins", args: said } });
      expect((error as Error).message).toContain(`Task "${task}"`);
      expect((error as Error).message).toContain("[LOVAGE_ARGUMENTS_INVALID]");
      expect((await app.result(id).info())?.document).toMatchObject({ status: "FAILURE", task_id: id });
    });

    it("leave the worker as it was, and nothing among the dead letters", async () => {
      const pids = await node.pids();
      for (const [, name, args, kwargs] of wrongCalls)
        await place.push(strangerMessage({ task: tasks[name].name, args, kwargs: kwargs ?? {} }));
      expect(await (await app.send(tasks.add as never, [20, 22] as never)).get({ timeoutMs: 10_000 })).toBe(42);
      expect(await place.deadLetters()).toEqual([]);
      expect(node.logged("runner.died")).toEqual([]);
      expect(await node.pids()).toEqual(pids);
    });
  });
});
