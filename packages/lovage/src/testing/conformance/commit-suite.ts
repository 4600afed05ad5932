/** `Broker.commit`: one outcome, one step; fenced, repeated and refused commits leave no trace. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { transitionsLog } from "../../message/transition.ts";
import { ack, body, cases, fenced, message, only, result, type Suite, startRunner, text, texts } from "./harness.ts";

export const commitSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: commit`, () => {
    it("settles, stores the result, publishes what follows and counts, all at once", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      const commit = ack(a, {
        results: [result("a", "SUCCESS", 5)],
        publish: [message("next"), message("later", { parkMs: 60_000 })],
        count: { task: "t.add", state: "SUCCESS", runtimeMs: 7 },
      });
      assert.deepEqual(await runner.commit(commit), ["applied"]);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "SUCCESS", 5).document);
      assert.deepEqual(texts(await runner.reserve(5)), [body("next")]);
      assert.equal(await store.broker.queues.purge(["q"]), 1);
      assert.deepEqual(await store.counters(), { "t.add|SUCCESS": 1, "t.add|SUCCESS|le:10": 1 });
      assert.deepEqual((await store.leases.held(runner.epoch)).length, 1);
    });

    it("applies a commit once: the same one again is fenced and writes nothing", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const commit = ack(await runner.reserveOne(), { publish: [message("next")], count: { task: "t", state: "SUCCESS" } });
      assert.deepEqual(await runner.commit(commit, commit), ["applied", "fenced"]);
      assert.deepEqual(await runner.commit(commit), ["fenced"]);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [1]);
      assert.deepEqual(await store.counters(), { "t|SUCCESS": 1 });
    });

    it("logs what it makes true in the same step, once, and only if it is applied", async ({ store }) => {
      const ids = ["a", "b", "c"];
      await store.broker.publish({ messages: ids.map((id) => message(id)) });
      const runner = await startRunner(store);
      const [a, b, c] = await runner.reserve(3);
      assert.ok(a && b && c);
      const told = (entry: string) => ({ transition: { entry, keep: 100 } });
      const plain = ack(a, { results: [result("a", "SUCCESS")], ...told("a") });
      const other = ack(b, { publish: [message("next")], ...told("b") });
      const batch = [other, ack(c), plain, ack(a, told("again"))];
      assert.deepEqual(await runner.commit(...batch), ["applied", "applied", "applied", "fenced"]);
      assert.deepEqual(await runner.commit(other), ["fenced"]);
      const entries = await store.state.tail(transitionsLog, 9);
      assert.deepEqual(entries.map(({ data }) => text(data)).sort(), ["a", "b"]);
    });

    it("fences a commit for a delivery of another epoch's or of nobody's", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const one = await startRunner(store);
      const two = await startRunner(store);
      const a = await one.reserveOne();
      const stolen = ack({ ...a, id: { epoch: two.epoch, number: a.id.number } }, { results: [result("a", "SUCCESS")] });
      assert.deepEqual(await two.commit(stolen), ["fenced"]);
      assert.deepEqual(await store.results.load(["a"]), [undefined]);
      assert.deepEqual(await one.commit(ack(a)), ["applied"]);
    });

    it("applies nothing under a closed epoch, except on behalf of it", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const commit = ack(await runner.reserveOne(), { results: [result("a", "SUCCESS")], count: { task: "t", state: "SUCCESS" } });
      await assert.rejects(store.broker.commit(runner.epoch, [commit], { onBehalf: true }), fenced("LOVAGE_EPOCH_OPEN"));
      await store.leases.close(runner.epoch);
      await assert.rejects(store.broker.commit(runner.epoch, [commit]), fenced("LOVAGE_EPOCH_CLOSED"));
      assert.deepEqual(await store.results.load(["a"]), [undefined]);
      assert.deepEqual(await store.counters(), {});
      const { replies } = await store.broker.commit(runner.epoch, [commit], { onBehalf: true });
      assert.deepEqual(replies, [{ kind: "applied" }]);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "SUCCESS").document);
    });

    it("reserves the next messages after the commits, what they published included", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      const batch = [ack(a, { publish: [message("b")] })];
      const reserveNext = runner.nextCall(5);
      const first = await store.broker.commit(runner.epoch, batch, { reserveNext });
      assert.deepEqual(texts(first.reserved?.deliveries ?? []), [body("b")]);
      const again = await store.broker.commit(runner.epoch, batch, { reserveNext });
      assert.deepEqual(again.replies, [{ kind: "fenced" }]);
      assert.deepEqual(again.reserved?.deliveries, first.reserved?.deliveries);
    });

    it("gives a requeued message back to its own bucket: front is the next one out, back the last", async ({ store }) => {
      await store.broker.publish({
        messages: [
          message("a", { priority: 3 }),
          message("b", { priority: 3 }),
          message("c", { priority: 3 }),
          message("z", { priority: 6 }),
        ],
      });
      const runner = await startRunner(store);
      const [a, b] = await runner.reserve(2);
      assert.ok(a && b);
      await runner.commit(
        { ...ack(a), settle: { kind: "requeue", where: "back" } },
        { ...ack(b), settle: { kind: "requeue", where: "front", bytes: body("b again") } },
      );
      assert.deepEqual(texts(await runner.reserve(9)), [body("b again"), body("c"), body("a"), body("z")]);
    });

    it("puts several to the front one after the other: the last one settled is the next one out", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      const held = await runner.reserve(2);
      await runner.commit(
        ...[...held].reverse().map((delivery) => ({ ...ack(delivery), settle: { kind: "requeue", where: "front" } }) as const),
      );
      assert.deepEqual(texts(await runner.reserve(9)), [body("a"), body("b"), body("c")]);
    });

    it("parks a message until it is due, then puts it to the front of its own bucket", async ({ store, pass }) => {
      await store.broker.publish({
        messages: [message("a", { priority: 3 }), message("b", { priority: 3 }), message("c", { priority: 0 })],
      });
      const runner = await startRunner(store);
      const { deliveries, storeNow } = await store.broker.reserve(runner.nextCall(2));
      const a = deliveries[1];
      assert.equal(a && text(a.bytes), body("a"));
      assert.ok(a);
      const untilMs = storeNow + 100;
      await runner.commit({ ...ack(a), settle: { kind: "park", untilMs, why: "eta", bytes: body("a parked") } });
      assert.deepEqual(texts(await runner.reserve(9)), [body("b")]);
      await store.broker.publish({ messages: [message("d", { priority: 3 })] });
      const early = await store.leases.promote(10);
      if (early.storeNow < untilMs) assert.deepEqual([early.promoted, early.nextDueMs], [0, untilMs]);
      await pass(150);
      assert.equal((await store.leases.promote(10)).promoted + early.promoted, 1);
      assert.deepEqual(texts(await runner.reserve(9)), [body("a parked"), body("d")]);
    });

    it("promotes by due time, a few at a time, never early", async ({ store, pass }) => {
      const parked = (taskId: string, parkMs: number) => message(taskId, { parkMs });
      await store.broker.publish({
        messages: [parked("second", 60), parked("first", 30), parked("third", 90), parked("far", 3_600_000), parked("now", 0)],
      });
      await pass(200);
      const all = await store.leases.promote(2);
      assert.equal(all.promoted, 2);
      const rest = await store.leases.promote(9);
      assert.equal(rest.promoted, 1);
      assert.ok(rest.nextDueMs !== null && rest.nextDueMs > rest.storeNow + 3_000_000);
      const runner = await startRunner(store);
      // The last promotion stands in front; within one promotion the one that was due first does.
      assert.deepEqual(texts(await runner.reserve(9)), [body("third"), body("first"), body("second"), body("now")]);
    });

    it("keeps a dead letter with its reason and its original bytes", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      for (const reason of ["poison", "undecodable"] as const) {
        const delivery = await runner.reserveOne();
        const settle = { kind: "dead-letter", reason, detail: `because ${reason}` } as const;
        await runner.commit({ ...ack(delivery), settle, results: [result(reason, "FAILURE")] });
      }
      assert.equal(await store.deadLetters.count(), 2);
      const [newest, oldest] = await store.deadLetters.list(5);
      assert.ok(newest && oldest);
      assert.deepEqual(
        [newest.reason, newest.detail, text(newest.bytes), newest.queue],
        ["undecodable", "because undecodable", body("b"), "q"],
      );
      assert.deepEqual([oldest.reason, oldest.delivery.epoch, oldest.bucket], ["poison", runner.epoch, 0]);
      assert.ok(newest.at >= oldest.at);
      assert.equal((await store.deadLetters.list(1)).length, 1);
      assert.deepEqual(await store.leases.held(runner.epoch), []);
    });

    it("never writes over a stored SUCCESS, and applies the rest of such a commit", async ({ store }) => {
      await store.results.store([result("a", "SUCCESS", 1)]);
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const commit = ack(await runner.reserveOne(), { results: [result("a", "FAILURE")], publish: [message("b")] });
      assert.deepEqual(await runner.commit(commit), ["applied"]);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "SUCCESS", 1).document);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [1]);
    });

    it("counts by task and state, with runtimes in buckets whose last one is open", async ({ store }) => {
      await store.broker.publish({ messages: ["a", "b", "c", "d"].map((taskId) => message(taskId)) });
      const runner = await startRunner(store);
      const held = await runner.reserve(4);
      const runtimes = [5, 5.5, 99_999_999, undefined];
      await runner.commit(
        ...held.map((delivery, i) => {
          const runtimeMs = runtimes[i];
          return ack(delivery, { count: { task: "t", state: "SUCCESS", ...(runtimeMs === undefined ? {} : { runtimeMs }) } });
        }),
      );
      assert.deepEqual(await store.counters(), { "t|SUCCESS": 4, "t|SUCCESS|le:5": 1, "t|SUCCESS|le:10": 1, "t|SUCCESS|le:3600000": 1 });
    });

    it("settles a message once when two settle it at the same time on behalf of a closed epoch", async ({ store, connect }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      await store.leases.close(runner.epoch);
      const commit = { ...ack(a), settle: { kind: "requeue", where: "front" } } as const;
      const others = [store, await connect()];
      const replies = await Promise.all(others.map((other) => other.broker.commit(runner.epoch, [commit], { onBehalf: true })));
      assert.deepEqual(replies.flatMap((reply) => reply.replies.map(({ kind }) => kind)).sort(), ["applied", "fenced"]);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [1]);
    });

    it("takes many commits at once from several runners", async ({ store, connect }) => {
      const names = Array.from({ length: 200 }, (_, i) => `m${i}`);
      await store.broker.publish({ messages: names.map((taskId) => message(taskId)) });
      const drain = async (runner: Awaited<ReturnType<typeof startRunner>>) => {
        for (let held = await runner.reserve(7); held.length > 0; held = await runner.reserve(7)) {
          const kinds = await runner.commit(
            ...held.map((delivery) => ack(delivery, { results: [result(idOf(text(delivery.bytes)), "SUCCESS")] })),
          );
          assert.deepEqual(new Set(kinds), new Set(["applied"]));
          await sleep(0);
        }
      };
      await Promise.all([drain(await startRunner(store)), drain(await startRunner(await connect())), drain(await startRunner(store))]);
      assert.equal((await store.results.load(names)).filter((found) => found !== undefined).length, names.length);
      assert.deepEqual((await store.leases.fleet()).orphans, []);
    });

    it("knows a delivery by number, not by task id: the same id may be in flight twice", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("a")] });
      const runner = await startRunner(store);
      const [first, second] = await runner.reserve(2);
      assert.ok(first && second);
      assert.deepEqual(await runner.commit(ack(first)), ["applied"]);
      assert.deepEqual(only(await store.leases.held(runner.epoch)).id, second.id);
    });
  });
};

const idOf = (envelope: string): string => (JSON.parse(envelope) as { properties: { correlation_id: string } }).properties.correlation_id;
