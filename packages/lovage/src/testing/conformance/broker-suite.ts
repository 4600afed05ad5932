/** `Broker`: publish, reserve, mark and the queue's own commands. Commits have a suite of their own. */
import assert from "node:assert/strict";
import { ack, body, cases, fenced, message, only, result, type Suite, startRunner, text, texts } from "./harness.ts";

export const brokerSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: broker`, () => {
    it("hands out messages in the order they came, bytes untouched", async ({ store }) => {
      const odd = '{"body":"\\u0000 \\u2028 ünï","n":1e400}';
      await store.broker.publish({
        messages: [message("a"), message("b", { bytes: odd }), message("c", { bytes: new Uint8Array([0xff, 0x00, 0x80]) })],
      });
      const runner = await startRunner(store);
      const deliveries = await runner.reserve(10);
      assert.deepEqual(
        deliveries.slice(0, 2).map((delivery) => text(delivery.bytes)),
        [body("a"), odd],
      );
      assert.deepEqual([...(deliveries[2]?.bytes ?? [])], [0xff, 0x00, 0x80]);
      assert.deepEqual(
        deliveries.map((delivery) => [delivery.queue, delivery.ackedEarly, delivery.id.epoch]),
        [
          ["q", false, runner.epoch],
          ["q", false, runner.epoch],
          ["q", false, runner.epoch],
        ],
      );
      assert.equal(new Set(deliveries.map((delivery) => delivery.id.number)).size, 3);
    });

    it("publishes once per id, however often it is told, until the id is to be forgotten", async ({ store }) => {
      const { broker } = store;
      if (broker.publishOnce === undefined) return; // a store that is away only when this process is
      const once = (id: string, taskId: string, forget: readonly string[] = []) =>
        broker.publishOnce?.(id, { messages: [message(taskId)] }, { deadlineMs: 2000, forget });
      for (const id of ["one", "two", "one", "two", "one"]) await once(id, id);
      await once("three", "three", ["one", "two"]);
      await once("one", "again");
      const runner = await startRunner(store);
      assert.deepEqual(texts(await runner.reserve(10)), ["one", "two", "three", "again"].map(body));
    });

    it("gives at most what was asked for, and nothing where nothing is", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      assert.equal((await runner.reserve(2)).length, 2);
      assert.equal((await runner.reserve(2)).length, 1);
      assert.equal((await runner.reserve(2)).length, 0);
      assert.equal((await runner.reserve(2, ["other"])).length, 0);
    });

    it("gives each message to one runner only", async ({ store, connect }) => {
      const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
      await store.broker.publish({ messages: names.map((taskId) => message(taskId)) });
      const runners = [await startRunner(store), await startRunner(await connect())];
      const got = await Promise.all([0, 1, 0, 1, 0, 1, 0, 1].map((i) => runners[i]?.reserve(5) ?? []));
      assert.deepEqual(got.flatMap(texts).sort(), names.map(body).sort());
    });

    it("begins at the least urgent bucket where that is asked for", async ({ store }) => {
      await store.broker.publish({
        messages: [message("a"), message("b", { priority: 9 }), message("c", { priority: 3, queue: "r" }), message("d", { priority: 9 })],
      });
      const runner = await startRunner(store);
      const { deliveries } = await store.broker.reserve({ ...runner.nextCall(3, ["q", "r"]), lowestFirst: true });
      assert.deepEqual(texts(deliveries), [body("b"), body("d"), body("c")]);
      assert.deepEqual(texts(await runner.reserve(9, ["q", "r"])), [body("a")]);
    });

    it("serves the more urgent bucket of all queues first", async ({ store }) => {
      await store.broker.publish({
        messages: [
          message("p9", { priority: 9 }),
          message("p4", { priority: 4, queue: "r" }),
          message("p3", { priority: 3 }),
          message("p0", { priority: 0, queue: "r" }),
          message("p77", { priority: 77 }),
          message("p-1", { priority: -1 }),
        ],
      });
      const runner = await startRunner(store);
      const deliveries = await runner.reserve(10, ["q", "r"]);
      const order = texts(deliveries);
      assert.deepEqual([...order.slice(0, 2)].sort(), [body("p-1"), body("p0")]);
      assert.deepEqual([...order.slice(2, 4)].sort(), [body("p3"), body("p4")]);
      assert.deepEqual(order.slice(4), [body("p9"), body("p77")]);
      const buckets = deliveries.map((delivery) => delivery.bucket);
      assert.equal(buckets[0], 0);
      assert.deepEqual(
        buckets,
        [...buckets].sort((a, b) => a - b),
      );
    });

    it("lets no queue of one priority wait for another", async ({ store }) => {
      const many = (queue: string) => Array.from({ length: 30 }, (_, i) => message(`${queue}${i}`, { queue }));
      await store.broker.publish({ messages: [...many("a"), ...many("b"), ...many("c")] });
      const runner = await startRunner(store);
      const served = new Map<string, number>();
      for (let call = 0; call < 6; call += 1) {
        for (const { queue } of await runner.reserve(1, ["a", "b", "c"])) served.set(queue, (served.get(queue) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries(served), { a: 2, b: 2, c: 2 });
    });

    it("answers a repeated call number with the same deliveries, never with others", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      const call = runner.nextCall(2);
      const first = await store.broker.reserve(call);
      assert.deepEqual((await store.broker.reserve(call)).deliveries, first.deliveries);
      const [a] = first.deliveries;
      assert.ok(a);
      assert.deepEqual(await runner.commit(ack(a)), ["applied"]);
      assert.deepEqual(texts((await store.broker.reserve(call)).deliveries), [body("b")]);
      assert.deepEqual(texts(await runner.reserve(5)), [body("c")]);
      assert.deepEqual(texts((await store.broker.reserve(call)).deliveries), [body("b")]);
    });

    it("answers a repeated call that found nothing with nothing, though something came since", async ({ store }) => {
      const runner = await startRunner(store);
      const call = runner.nextCall(2);
      assert.deepEqual((await store.broker.reserve(call)).deliveries, []);
      await store.broker.publish({ messages: [message("a")] });
      assert.deepEqual((await store.broker.reserve(call)).deliveries, []);
      assert.deepEqual(texts(await runner.reserve(1)), [body("a")]);
    });

    it("refuses to reserve or mark under an epoch that is closed or was never opened", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      await store.leases.close(runner.epoch);
      await assert.rejects(runner.reserve(1), fenced("LOVAGE_EPOCH_CLOSED"));
      await assert.rejects(store.broker.reserve({ epoch: "nobody", number: 1, queues: ["q"], count: 1 }), fenced("LOVAGE_EPOCH_CLOSED"));
      await assert.rejects(store.broker.mark(runner.epoch, [{ kind: "acked-early", number: 1 }]), fenced("LOVAGE_EPOCH_CLOSED"));
      assert.deepEqual(await store.broker.queues.depth(["q"]), [1]);
    });

    it("marks a live delivery as acknowledged early, and only a live one", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const [a, b] = await runner.reserve(2);
      assert.ok(a && b);
      await runner.commit(ack(b));
      const marks = [a, b].map((delivery) => ({ kind: "acked-early" as const, number: delivery.id.number }));
      assert.deepEqual(await store.broker.mark(runner.epoch, marks), ["ok", "fenced"]);
      assert.equal(only(await store.leases.held(runner.epoch)).ackedEarly, true);
    });

    it("writes the state of a live delivery, but never after an end state", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const [a, b] = await runner.reserve(2);
      assert.ok(a && b);
      const started = (delivery: { id: { number: number } }, taskId: string) =>
        ({ kind: "state", number: delivery.id.number, result: result(taskId, "STARTED") }) as const;
      assert.deepEqual(await store.broker.mark(runner.epoch, [started(a, "a")]), ["ok"]);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "STARTED").document);
      await store.results.store([result("b", "FAILURE")]);
      await store.broker.mark(runner.epoch, [started(b, "b")]);
      assert.equal((await store.results.load(["b"]))[0]?.document, result("b", "FAILURE").document);
      await runner.commit(ack(a));
      await store.results.forget(["a"]);
      assert.deepEqual(await store.broker.mark(runner.epoch, [started(a, "a")]), ["fenced"]);
      assert.deepEqual(await store.results.load(["a"]), [undefined]);
    });

    it("counts, shows and purges what waits, parked messages too", async ({ store }) => {
      await store.broker.publish({
        messages: [
          message("late", { priority: 9 }),
          message("soon"),
          message("parked", { parkMs: 60_000 }),
          message("other", { queue: "r" }),
        ],
      });
      assert.deepEqual(await store.broker.queues.depth(["q", "r", "none"]), [2, 1, 0]);
      assert.deepEqual((await store.broker.queues.peek("q", 10)).map(text), [body("soon"), body("late")]);
      assert.deepEqual((await store.broker.queues.peek("q", 1)).map(text), [body("soon")]);
      assert.equal(await store.broker.queues.purge(["q"]), 3);
      assert.deepEqual(await store.broker.queues.depth(["q", "r"]), [0, 1]);
      assert.deepEqual([...(await store.broker.queues.names())].filter((queue) => queue === "q" || queue === "r").sort(), ["q", "r"]);
      assert.equal((await store.leases.promote(10)).nextDueMs, null);
    });

    it("shows every message where it stands, page by page", async ({ store }) => {
      const many = Array.from({ length: 1200 }, (_, i) => message(`m${i}`, { queue: i % 2 ? "q" : "r", priority: i % 3 ? 0 : 9 }));
      await store.broker.publish({ messages: [...many, message("parked", { parkMs: 60_000 })] });
      const held = texts(await (await startRunner(store)).reserve(3));
      const seen = { waiting: [] as string[], parked: [] as string[], running: [] as string[] };
      for await (const page of store.broker.queues.scan()) for (const { place, bytes } of page) seen[place].push(text(bytes));
      assert.deepEqual(seen.running.sort(), [...held].sort());
      assert.deepEqual(seen.parked, [body("parked")]);
      assert.deepEqual([...seen.waiting, ...held].sort(), many.map(({ taskId }) => body(taskId)).sort());
    });

    it("leaves what is in flight alone when its queue is purged", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      assert.equal(await store.broker.queues.purge(["q"]), 1);
      assert.deepEqual(await runner.commit(ack(a)), ["applied"]);
    });

    it("takes a thousand messages in one publish, in order", async ({ store }) => {
      const names = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
      await store.broker.publish({ messages: names.map((taskId) => message(taskId)) });
      const runner = await startRunner(store);
      const got = [...(await runner.reserve(400)), ...(await runner.reserve(400)), ...(await runner.reserve(400))];
      assert.deepEqual(texts(got), names.map(body));
    });
  });
};
