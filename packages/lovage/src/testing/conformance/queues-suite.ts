/** `QueueAdmin`: what stands where, moved and removed message by message. */
import assert from "node:assert/strict";
import type { QueueAdmin, Standing } from "../../broker/queue-admin.ts";
import { ack, body, cases, fenced, message, only, type Suite, startRunner, text } from "./harness.ts";

const garbage = new Uint8Array([0xff, 0x00, 0x80, 0x7b]);
const all = async (queues: QueueAdmin): Promise<readonly Standing[]> => {
  const found: Standing[] = [];
  for await (const page of queues.scan()) found.push(...page);
  return found;
};
const moved = (queue: string, from: Standing, bytes: Uint8Array | string = from.bytes) => ({ message: from, to: { queue, bytes } });

export const queuesSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: queues for people`, () => {
    it("shows a queue page by page, in the order in which it will be served", async ({ store }) => {
      const { broker } = store;
      const mixed = Array.from({ length: 30 }, (_, i) => message(`m${i}`, { priority: i % 3 === 0 ? 9 : i % 3 === 1 ? 0 : 3 }));
      await broker.publish({ messages: mixed });
      const whole = await broker.queues.page("q", 0, 100);
      const seen = [];
      for (let from = 0; from < 35; from += 7) seen.push(...(await broker.queues.page("q", from, 7)));
      assert.deepEqual(seen, whole);
      assert.deepEqual(
        seen.map(({ bucket, at }) => [bucket, at]),
        Array.from({ length: 30 }, (_, at) => [[0, 3, 9][Math.floor(at / 10)], at]),
      );
      const runner = await startRunner(store);
      const served = await runner.reserve(100);
      assert.deepEqual(
        seen.map(({ bytes }) => text(bytes)),
        served.map(({ bytes }) => text(bytes)),
      );
      assert.deepEqual(await broker.queues.page("none", 0, 5), []);
    });

    it("shows what is due next, and nothing that waits for a place", async ({ store }) => {
      const { queues } = store.broker;
      assert.deepEqual(await queues.due(5), []);
      const messages = [message("w"), message("x"), ...[30, 10, 20].map((s) => message(`in ${s} s`, { parkMs: s * 1000 }))];
      await store.broker.publish({ messages });
      const runner = await startRunner(store);
      const asks = (await runner.reserve(2)).map(({ id }, i) => ({ number: id.number, taskId: `${i}`, expiresMs: Date.now() + 1e9 }));
      const demands = [{ kind: "slots", name: "slots/t", most: 1 } as const];
      await store.limits.admit(
        runner.epoch,
        asks.map((ask) => ({ ...ask, demands })),
      );
      const due = await queues.due(5);
      const bodies = ["in 10 s", "in 20 s", "in 30 s"].map((id) => body(id));
      assert.deepEqual(
        due.map(({ bytes }) => text(bytes)),
        bodies,
      );
      const { storeNow } = await store.leases.promote(0);
      assert.ok(Math.abs((due[0]?.parked?.dueMs ?? 0) - storeNow - 10_000) < 5000);
      assert.equal(text((await queues.due(1))[0]?.bytes ?? garbage), body("in 10 s"));
    });

    it("counts what waits by priority, what is parked and what runs", async ({ store }) => {
      await store.broker.publish({
        messages: [
          message("a"),
          message("b"),
          message("c", { priority: 9 }),
          message("d", { parkMs: 60_000 }),
          message("e", { queue: "r" }),
        ],
      });
      await (await startRunner(store)).reserve(1);
      const [q, r, none] = await store.broker.queues.counts(["q", "r", "none"]);
      const waiting = (counts: typeof q) => counts?.waiting.filter(({ count }) => count > 0).map(({ bucket, count }) => [bucket, count]);
      assert.deepEqual(
        [waiting(q), q?.parked, q?.running],
        [
          [
            [0, 1],
            [9, 1],
          ],
          1,
          1,
        ],
      );
      assert.deepEqual([waiting(r), r?.parked, r?.running], [[[0, 1]], 0, 0]);
      assert.deepEqual([waiting(none), none?.parked, none?.running], [[], 0, 0]);
    });

    it("tells of each message its queue, its bucket, who holds it, and until when it is parked", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b", { priority: 9 }), message("c", { parkMs: 60_000 })] });
      const runner = await startRunner(store);
      const delivery = await runner.reserveOne();
      const { storeNow } = await store.leases.promote(0);
      const found = await all(store.broker.queues);
      const [waiting, parked, running] = (["waiting", "parked", "running"] as const).map((place) =>
        found.find((each) => each.place === place),
      );
      assert.deepEqual([waiting?.queue, waiting?.bucket, text(waiting?.bytes ?? garbage)], ["q", 9, body("b")]);
      assert.deepEqual([parked?.queue, parked?.bucket, parked?.parked?.why], ["q", 0, "eta"]);
      assert.ok(Math.abs((parked?.parked?.dueMs ?? 0) - storeNow - 60_000) < 5_000);
      assert.deepEqual(running?.held, delivery.id);
    });

    it("moves messages to the back of another queue, in order, each in its own bucket", async ({ store }) => {
      const { broker } = store;
      await broker.publish({
        messages: [
          message("a"),
          message("b", { priority: 9 }),
          message("c"),
          message("d", { bytes: garbage }),
          message("there", { queue: "r" }),
        ],
      });
      const page = await broker.queues.page("q", 0, 10);
      assert.deepEqual(await broker.queues.rearrange(page.map((each) => moved("r", each))), [true, true, true, true]);
      assert.deepEqual(await broker.queues.depth(["q", "r"]), [0, 5]);
      const runner = await startRunner(store);
      const served = await runner.reserve(10, ["r"]);
      assert.deepEqual(
        served.map(({ queue, bucket, bytes }) => [queue, bucket, Buffer.compare(bytes, garbage) === 0 ? "garbage" : text(bytes)]),
        [
          ["r", 0, body("there")],
          ["r", 0, body("a")],
          ["r", 0, body("c")],
          ["r", 0, "garbage"],
          ["r", 9, body("b")],
        ],
      );
      assert.ok((await broker.queues.names()).includes("r"));
    });

    it("moves and removes each message once, however often it is told", async ({ store }) => {
      const { queues } = store.broker;
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const [a, b] = await queues.page("q", 0, 2);
      assert.ok(a && b);
      const calls = [{ message: a }, moved("r", b, body("changed"))];
      assert.deepEqual(await queues.rearrange(calls), [true, true]);
      assert.deepEqual(await queues.rearrange(calls), [false, false]);
      assert.deepEqual((await queues.peek("q", 10)).map(text), [body("c")]);
      assert.deepEqual((await queues.peek("r", 10)).map(text), [body("changed")]);
    });

    it("takes nothing that is in flight, and of two that are the same only one", async ({ store }) => {
      const { queues } = store.broker;
      await store.broker.publish({ messages: [message("a"), message("b", { bytes: garbage }), message("c", { bytes: garbage })] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      const running = only((await all(queues)).filter(({ place }) => place === "running"));
      const [first] = await queues.page("q", 0, 1);
      assert.ok(first);
      assert.deepEqual(await queues.rearrange([{ message: running }, { message: first }]), [false, true]);
      assert.deepEqual(await runner.commit(ack(a)), ["applied"]);
      assert.deepEqual(
        (await queues.peek("q", 10)).map((bytes) => [...bytes]),
        [[...garbage]],
      );
    });

    it("finds a message though others were put before it or taken from there", async ({ store }) => {
      const { queues } = store.broker;
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      const [, , c] = await queues.page("q", 0, 3);
      const a = await runner.reserveOne();
      assert.ok(c);
      await runner.commit(ack(a, { settle: { kind: "requeue", where: "front" }, publish: [] }));
      await runner.reserve(2);
      assert.deepEqual(await queues.rearrange([{ message: c }]), [true]);
      assert.deepEqual(await queues.depth(["q"]), [0]);
    });

    it("moves a parked message with its time, and removes one for good", async ({ store, pass }) => {
      const { queues } = store.broker;
      await store.broker.publish({ messages: [message("a", { parkMs: 50, priority: 3 }), message("b", { parkMs: 60_000 })] });
      const parked = new Map((await all(queues)).map((each) => [text(each.bytes), each]));
      const [a, b] = [parked.get(body("a")), parked.get(body("b"))];
      assert.ok(a && b);
      assert.deepEqual(await queues.rearrange([moved("r", a), { message: b }]), [true, true]);
      assert.deepEqual(await queues.rearrange([moved("s", a), { message: b }]), [false, false]);
      await pass(100);
      assert.deepEqual(await store.leases.promote(10).then(({ promoted, nextDueMs }) => [promoted, nextDueMs]), [1, null]);
      assert.deepEqual(
        (await queues.page("r", 0, 5)).map(({ bucket, bytes }) => [bucket, text(bytes)]),
        [[3, body("a")]],
      );
    });

    it("keeps a message's place in the line of a limit when it is moved", async ({ store }) => {
      const { queues } = store.broker;
      const demands = [{ kind: "slots", name: "one", most: 1 } as const];
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      const held = await runner.reserve(3);
      const asks = held.map(({ id, bytes }) => ({ number: id.number, taskId: text(bytes).includes('"a"') ? "a" : "x", demands }));
      await store.limits.admit(runner.epoch, asks);
      const inLine = (await all(queues)).filter(({ place }) => place === "parked");
      assert.deepEqual(
        inLine.map(({ parked }) => [parked?.why, parked?.dueMs]),
        [
          ["concurrency", null],
          ["concurrency", null],
        ],
      );
      assert.deepEqual(await queues.rearrange(inLine.map((each) => moved("r", each))), [true, true]);
      const [first] = held;
      assert.ok(first);
      await runner.commit(ack(first));
      assert.deepEqual(await queues.depth(["q", "r"]), [0, 1]);
    });

    it("tells of a task in a line who has the places, how many stand before it, and when there is room", async ({ store }) => {
      await store.broker.publish({ messages: ["a", "b", "c", "d", "e"].map((id) => message(id)) });
      const runner = await startRunner(store);
      const held = await runner.reserve(5);
      const slots = { kind: "slots", name: "the: one", most: 1 } as const;
      const rate = { kind: "rate", name: "slow", intervalMs: 60_000, burst: 1 } as const;
      const ask = (at: number, taskId: string, demand: typeof slots | typeof rate) => ({
        number: held[at]?.id.number ?? 0,
        taskId,
        demands: [demand],
      });
      await store.limits.admit(runner.epoch, [
        ask(0, "a", slots),
        ask(1, "b", slots),
        ask(2, "c", slots),
        ask(3, "d", rate),
        ask(4, "e", rate),
      ]);
      const holder = { epoch: runner.epoch, number: held[0]?.id.number };
      assert.deepEqual(await store.limits.lineOf("b"), { allows: slots, held: [holder], before: 0, nextMs: null });
      assert.deepEqual(await store.limits.lineOf("c"), { allows: slots, held: [holder], before: 1, nextMs: null });
      const { nextMs, ...rated } = (await store.limits.lineOf("e")) ?? { nextMs: null };
      assert.deepEqual(rated, { allows: rate, held: [], before: 0 });
      const { storeNow } = await store.leases.promote(0);
      assert.ok(Math.abs((nextMs ?? 0) - storeNow - 60_000) < 5_000);
      assert.equal(await store.limits.lineOf("a"), undefined);
      const waiting = (await all(store.broker.queues)).filter(({ place, bytes }) => place === "parked" && text(bytes) === body("b"));
      await store.broker.queues.rearrange(waiting.map((each) => ({ message: each })));
      assert.equal(await store.limits.lineOf("b"), undefined);
      assert.equal((await store.limits.lineOf("c"))?.before, 0);
    });

    it("gives the unique key of a removed message back, and keeps it with one that is moved", async ({ store }) => {
      const key = "ab12";
      const bytes = (id: string) =>
        `{"headers": {"task": "t", "id": "${id}"}, "properties": {"lovage": {"unique": {"key": "${key}", "until": "done"}}}, "body": ""}`;
      const send = (id: string) =>
        store.limits.publishUnique({ messages: [message(id, { bytes: bytes(id), unique: { key, forMs: null } })] });
      assert.deepEqual(await send("a"), [null]);
      const { queues } = store.broker;
      await queues.rearrange((await queues.page("q", 0, 1)).map((each) => moved("r", each)));
      assert.deepEqual(await send("b"), ["a"]);
      await queues.rearrange((await queues.page("r", 0, 1)).map((each) => ({ message: each })));
      assert.deepEqual(await send("c"), [null]);
    });

    it("moves what an orphaned runner gave back like any other message", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const a = await runner.reserveOne();
      await store.leases.close(runner.epoch);
      const running = only(await all(store.broker.queues));
      assert.deepEqual(await store.broker.queues.rearrange([{ message: running }]), [false]);
      await assert.rejects(runner.commit(ack(a)), fenced("LOVAGE_EPOCH_CLOSED"));
    });

    it("names each queue with the exchange that feeds it", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b", { queue: "r" })] });
      const found = [...(await store.broker.queues.bindings())].sort((x, y) => (x.queue < y.queue ? -1 : 1));
      assert.deepEqual(
        found.filter(({ queue }) => queue === "q" || queue === "r"),
        ["q", "r"].map((queue) => ({ exchange: queue, queue, routingKey: queue })),
      );
    });
  });
};
