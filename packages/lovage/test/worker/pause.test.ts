import { createApp } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

describe.each(["redis", "sqlite"] as const)("a paused queue on %s", (kind) => {
  describe.skipIf(kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined)("", () => {
    let redis: RedisServer | undefined;
    let bench: Bench;
    let broker: string;
    let app: ReturnType<typeof createApp>;
    beforeEach(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      bench = new Bench();
      broker = redis?.url ?? bench.broker;
      app = createApp({ name: "sender", broker, environment: false, folder: false });
    });
    afterEach(async () => {
      await app.close();
      await bench.close();
      await redis?.stop();
    });
    const node = (pool: string, concurrency: number) => bench.node({ broker, pool, concurrency, queues: ["celery", "other"] }).ready();
    const told = (worker: WorkerNode, queues: readonly string[]) =>
      waitFor("the node to know", () => JSON.stringify(worker.logged("consuming.paused").at(-1)?.queues) === JSON.stringify(queues));
    const waiting = async () => (await (await app.store()).broker.queues.depth(["celery"]))[0];

    // One runner that hears its own bell and stands by, and several that share one.
    it.each([
      ["async", 4],
      ["processes", 2],
    ] as const)("gives nothing to nodes that run, and goes on when it is resumed: %s", async (pool, concurrency) => {
      const worker = await node(pool, concurrency);
      const file = bench.file();
      await (await app.send("t.touch", [bench.file()])).get({ timeoutMs: 10_000 });
      await app.queues.pause("celery");
      await told(worker, ["other"]);
      const held = [];
      for (let i = 0; i < 3; i += 1) held.push(await app.send("t.touch", [file]));
      // What another queue gives meanwhile shows that the node took its turn.
      for (let i = 0; i < 5; i += 1) await (await app.send("t.touch", [bench.file()], { queue: "other" })).get({ timeoutMs: 10_000 });
      expect(bench.lines(file)).toEqual([]);
      await waitFor("all to be back", async () => (await waiting()) === 3);
      expect((await app.queues.list(["celery"]))[0]?.paused).toMatchObject({ queue: "celery" });
      expect((await app.explain(held[0]?.id ?? "")).reasons[0]).toMatchObject({ code: "paused", remedy: "lovage queue resume celery" });
      await app.queues.resume("celery");
      for (const each of held) await each.get({ timeoutMs: 10_000 });
    });

    it("gives nothing to a node that starts, and one that consumes nothing else goes on when it is resumed", async () => {
      await app.queues.pause("celery");
      await app.queues.pause("other");
      const file = bench.file();
      const held = await app.send("t.touch", [file]);
      const worker = await node("async", 2);
      await told(worker, []);
      await app.queues.resume("other");
      await (await app.send("t.touch", [bench.file()], { queue: "other" })).get({ timeoutMs: 10_000 });
      expect([await waiting(), bench.lines(file)]).toEqual([1, []]);
      await app.queues.resume("celery");
      await held.get({ timeoutMs: 10_000 });
    });
  });
});
