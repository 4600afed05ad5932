/** `Limits`: who may start now, who waits in which order, and what frees a place; unique keys. */
import assert from "node:assert/strict";
import type { Demand } from "../../broker/limits.ts";
import type { Delivery, Outgoing } from "../../message/commit.ts";
import { ack, body, cases, eventually, fenced, message, result, type Suite, startRunner, type TestRunner, text, texts } from "./harness.ts";

const slots = (most: number, name = "slots/t"): Demand => ({ kind: "slots", name, most });
const rate = (intervalMs: number, burst = 1, name = "rate/t"): Demand => ({ kind: "rate", name, intervalMs, burst });
const idOf = ({ bytes }: Delivery): string => JSON.parse(text(bytes)).properties.correlation_id;

async function admit(runner: TestRunner, deliveries: readonly Delivery[], ...demands: Demand[]) {
  const asks = deliveries.map((delivery) => ({ number: delivery.id.number, taskId: idOf(delivery), demands }));
  return (await runner.store.limits.admit(runner.epoch, asks)).map(({ kind }) => kind);
}

export const limitsSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  const send = (runner: TestRunner, ...ids: string[]) => runner.store.broker.publish({ messages: ids.map((id) => message(id)) });

  api.describe(`${name}: places at a time`, () => {
    it("grants as many as there are places, and calls the others back in order as places become free", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c", "d");
      const all = await runner.reserve(9);
      assert.deepEqual(await admit(runner, all, slots(2)), ["granted", "granted", "parked", "parked"]);
      const [a, b] = all as [Delivery, Delivery];
      assert.deepEqual(texts(await store.leases.held(runner.epoch)), [body("a"), body("b")]);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [0]);
      assert.deepEqual(await runner.commit(ack(b)), ["applied"]);
      const c = await runner.reserveOne();
      assert.equal(idOf(c), "c");
      assert.deepEqual(await admit(runner, [c], slots(2)), ["granted"]);
      assert.deepEqual(await runner.commit(ack(a), ack(c)), ["applied", "applied"]);
      const left = await runner.reserve(9);
      assert.deepEqual(texts(left), [body("d")]);
      assert.deepEqual(await admit(runner, left, slots(2)), ["granted"]);
    });

    it("hands what it calls back to the very call that freed the place", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b");
      const [a, b] = (await runner.reserve(2)) as [Delivery, Delivery];
      await admit(runner, [a, b], slots(1));
      const { reserved } = await store.broker.commit(runner.epoch, [ack(a)], { reserveNext: runner.nextCall(5) });
      assert.deepEqual(texts(reserved?.deliveries ?? []), [body("b")]);
    });

    it("keeps the place of one that was called back: whoever comes in between waits behind", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c");
      const [a] = (await runner.reserve(3)) as [Delivery];
      const held = await store.leases.held(runner.epoch);
      await admit(runner, held, slots(1));
      await send(runner, "new");
      await runner.commit(ack(a));
      const [b, fresh] = (await runner.reserve(9)) as [Delivery, Delivery];
      assert.deepEqual([idOf(b), idOf(fresh)], ["b", "new"]);
      assert.deepEqual(await admit(runner, [fresh, b], slots(1)), ["parked", "granted"]);
      await runner.commit(ack(b));
      assert.equal(idOf(await runner.reserveOne()), "c");
    });

    it("calls back the more urgent first", async ({ store }) => {
      const runner = await startRunner(store);
      await store.broker.publish({ messages: [message("a"), message("low", { priority: 9 })] });
      const first = await runner.reserve(2);
      await admit(runner, first, slots(1));
      await store.broker.publish({ messages: [message("urgent", { priority: 3 })] });
      await admit(runner, [await runner.reserveOne()], slots(1));
      await runner.commit(ack(first[0] as Delivery));
      assert.equal(idOf(await runner.reserveOne()), "urgent");
    });

    it("serves those in line at another rate once it was changed, and all of them where it was taken away", async ({ store, pass }) => {
      const runner = await startRunner(store);
      const ids = ["a", "b", "c", "d", "e"];
      await send(runner, ...ids);
      const hourly = rate(3_600_000);
      assert.deepEqual(await admit(runner, await runner.reserve(9), hourly), ["granted", "parked", "parked", "parked", "parked"]);
      const waiting = async (limit = 9) => (await store.limits.waiting([hourly.name, "none"], limit)).map((bytes) => text(bytes));
      assert.deepEqual(
        await waiting(),
        ["b", "c", "d", "e"].map((id) => body(id)),
      );
      assert.deepEqual(
        await waiting(2),
        ["b", "c"].map((id) => body(id)),
      );
      await store.limits.change(hourly.name, { intervalMs: 50, burst: 1 });
      await eventually("the next one to be called", async () => {
        await pass(20);
        await store.leases.promote(10);
        return (await store.broker.queues.depth(["q"]))[0] === 1;
      });
      const b = await runner.reserveOne();
      assert.equal(idOf(b), "b");
      assert.deepEqual(await admit(runner, [b], rate(50)), ["granted"]);
      await store.limits.change(hourly.name, null);
      const rest: string[] = [];
      await eventually("all to be called", async () => {
        await pass(20);
        await store.leases.promote(10);
        rest.push(...(await runner.reserve(9)).map(idOf));
        return rest.length === 3;
      });
      assert.deepEqual(rest, ["c", "d", "e"]);
      assert.deepEqual(await waiting(), []);
    });

    it("grants the same delivery once, however often it is asked for", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b");
      const [a, b] = (await runner.reserve(2)) as [Delivery, Delivery];
      assert.deepEqual(await admit(runner, [a], slots(2), rate(60_000, 2)), ["granted"]);
      assert.deepEqual(await admit(runner, [a], slots(2), rate(60_000, 2)), ["granted"]);
      assert.deepEqual(await admit(runner, [b], slots(2), rate(60_000, 2)), ["granted"]);
      await runner.commit(ack(a));
      await send(runner, "c");
      const c = await runner.reserveOne();
      assert.deepEqual(await admit(runner, [c], slots(1)), ["parked"]);
      assert.deepEqual(await admit(runner, [c], slots(1)), ["fenced"]);
    });

    it("frees a place whatever becomes of its holder", async ({ store }) => {
      const runner = await startRunner(store);
      const settlements = [
        { kind: "ack" },
        { kind: "requeue", where: "front" },
        { kind: "requeue", where: "back" },
        { kind: "park", untilMs: Date.now() + 3_600_000, why: "retry" },
        { kind: "dead-letter", reason: "poison", detail: "test" },
      ] as const;
      for (const settle of settlements) {
        await send(runner, "a", "b");
        const [a] = (await runner.reserve(1)) as [Delivery];
        assert.deepEqual(await admit(runner, [a], slots(1)), ["granted"], settle.kind);
        await runner.commit({ ...ack(a), settle });
        await store.broker.queues.purge(["q"]);
        await send(runner, "next");
        const next = await runner.reserveOne();
        assert.deepEqual(await admit(runner, [next], slots(1)), ["granted"], `after ${settle.kind}`);
        await runner.commit(ack(next));
      }
    });

    it("frees the places of a dead runner as what it held is settled on its behalf", async ({ store, connect }) => {
      const dead = await startRunner(store);
      const other = await startRunner(await connect());
      await send(dead, "a", "b");
      const [a, b] = (await dead.reserve(2)) as [Delivery, Delivery];
      await admit(dead, [a, b], slots(1));
      await store.leases.close(dead.epoch);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [0]);
      await other.store.broker.commit(dead.epoch, [{ ...ack(a), settle: { kind: "requeue", where: "front" } }], { onBehalf: true });
      const back = await other.reserve(9);
      assert.deepEqual([...texts(back)].sort(), [body("a"), body("b")]);
      // b was called back, so the place is b's.
      const [one, two] = back[0] && idOf(back[0]) === "b" ? back : [...back].reverse();
      assert.deepEqual(await admit(other, [two as Delivery, one as Delivery], slots(1)), ["parked", "granted"]);
    });

    it("needs room at every limit, and takes a place at none of them otherwise", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c");
      const [a, b, c] = (await runner.reserve(3)) as [Delivery, Delivery, Delivery];
      assert.deepEqual(await admit(runner, [a], slots(1, "one")), ["granted"]);
      assert.deepEqual(await admit(runner, [b], slots(1, "two"), slots(1, "one")), ["parked"]);
      assert.deepEqual(await admit(runner, [c], slots(1, "two")), ["granted"]);
      await runner.commit(ack(a));
      // Called back by "one", it finds "two" taken, and waits there.
      const again = await runner.reserveOne();
      assert.deepEqual(await admit(runner, [again], slots(1, "two"), slots(1, "one")), ["parked"]);
      await runner.commit(ack(c));
      const third = await runner.reserveOne();
      assert.deepEqual(await admit(runner, [third], slots(1, "two"), slots(1, "one")), ["granted"]);
    });

    it("lets more pass as soon as somebody says that more may", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c");
      const all = (await runner.reserve(3)) as [Delivery, Delivery, Delivery];
      assert.deepEqual(await admit(runner, all.slice(0, 2), slots(1)), ["granted", "parked"]);
      assert.deepEqual(await admit(runner, all.slice(2), slots(3)), ["parked"]);
      assert.deepEqual(texts(await runner.reserve(9)), [body("b"), body("c")]);
    });

    it("puts one that was called and finds no room after all before those who were not", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c", "d");
      const [a, b, ...waiting] = (await runner.reserve(4)) as [Delivery, Delivery];
      assert.deepEqual(await admit(runner, [a, b, ...waiting], slots(2)), ["granted", "granted", "parked", "parked"]);
      await runner.commit(ack(a));
      const c = await runner.reserveOne();
      // Fewer may run since.
      assert.deepEqual(await admit(runner, [c], slots(1)), ["parked"]);
      await runner.commit(ack(b));
      assert.deepEqual(texts(await runner.reserve(9)), [body("c")]);
    });

    it("does not stand in the way of others when those in its line were purged", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b");
      const [a, b] = (await runner.reserve(2)) as [Delivery, Delivery];
      await admit(runner, [a, b], slots(1));
      assert.equal(await store.broker.queues.purge(["q"]), 1);
      await runner.commit(ack(a));
      await send(runner, "c");
      const c = await runner.reserveOne();
      await admit(runner, [c], slots(1));
      const still = (await store.leases.held(runner.epoch)).map(idOf);
      const next = still.includes("c") ? c : await runner.reserveOne();
      assert.deepEqual(await admit(runner, [next], slots(1)), ["granted"]);
    });

    it("calls back what expires in a line when it does", async ({ store, pass }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b");
      const { deliveries, storeNow } = await store.broker.reserve(runner.nextCall(2));
      const [a, b] = deliveries as [Delivery, Delivery];
      await admit(runner, [a], slots(1));
      const ask = { number: b.id.number, taskId: "b", demands: [slots(1)], expiresMs: storeNow + 60 };
      assert.deepEqual(await store.limits.admit(runner.epoch, [ask]), [{ kind: "parked" }]);
      await pass(80);
      await eventually("it is promoted", async () => (await store.leases.promote(10)).promoted === 1);
      assert.deepEqual(texts(await runner.reserve(9)), [body("b")]);
      await runner.commit(ack(a));
      assert.deepEqual(texts(await runner.reserve(9)), []);
    });

    it("answers nothing to a closed epoch", async ({ store }) => {
      const runner = await startRunner(store);
      await store.leases.close(runner.epoch);
      await assert.rejects(store.limits.admit(runner.epoch, []), fenced("LOVAGE_EPOCH_CLOSED"));
    });
  });

  api.describe(`${name}: starts per time`, () => {
    it("grants a burst, then one per interval, called back when it is time", async ({ store, pass }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b", "c", "d");
      const all = await runner.reserve(9);
      assert.deepEqual(await admit(runner, all, rate(100, 2)), ["granted", "granted", "parked", "parked"]);
      const { nextDueMs, storeNow, promoted } = await store.leases.promote(10);
      assert.equal(promoted, 0);
      assert.ok(
        nextDueMs !== null && nextDueMs > storeNow && nextDueMs <= storeNow + 101,
        `next look in ${(nextDueMs ?? 0) - storeNow} ms`,
      );
      await pass(110);
      await eventually("the first is called back", async () => (await store.leases.promote(10)).promoted === 1);
      const [c] = (await runner.reserve(9)) as [Delivery];
      assert.equal(idOf(c), "c");
      assert.deepEqual(await admit(runner, [c], rate(100, 2)), ["granted"]);
      await pass(110);
      await eventually("the second is called back", async () => (await store.leases.promote(10)).promoted === 1);
    });

    it("moves a line at its full rate although calls come late, and starts afresh after a pause", async ({ store, pass }) => {
      const runner = await startRunner(store);
      await send(runner, ...Array.from({ length: 9 }, (_, i) => `t${i}`));
      await admit(runner, await runner.reserve(9), rate(400));
      // 200 ms late: 50 of them are made up for, however slow the machine is.
      await pass(600);
      await store.leases.promote(10);
      await admit(runner, await runner.reserve(9), rate(400));
      const { nextDueMs, storeNow } = await store.leases.promote(10);
      assert.ok((nextDueMs ?? 0) - storeNow <= 351, `next in ${(nextDueMs ?? 0) - storeNow} ms`);
      await pass(1600);
      assert.ok((await store.leases.promote(10)).promoted <= 2, "what was missed is not made up for");
    });

    it("keeps limits of different names apart", async ({ store }) => {
      const runner = await startRunner(store);
      await send(runner, "a", "b");
      const [a, b] = (await runner.reserve(2)) as [Delivery, Delivery];
      assert.deepEqual(await admit(runner, [a], rate(60_000, 1, "one")), ["granted"]);
      assert.deepEqual(await admit(runner, [b], rate(60_000, 1, "two")), ["granted"]);
    });
  });

  api.describe(`${name}: unique keys`, () => {
    const unique = (id: string, key = "k", forMs: number | null = null) => message(id, { unique: { key, forMs } });

    it("publishes the first, and names it to those who come after, until it gives the key back with its end", async ({
      store,
      connect,
    }) => {
      const other = await connect();
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("a")] }), [null]);
      assert.deepEqual(await other.limits.publishUnique({ messages: [unique("b"), unique("c", "other"), message("d")] }), [
        "a",
        null,
        null,
      ]);
      const runner = await startRunner(store);
      const all = await runner.reserve(9);
      assert.deepEqual(texts(all), [body("a"), body("c"), body("d")]);
      const [a] = all as [Delivery];
      await runner.commit(ack(a, { results: [result("a", "SUCCESS")], frees: { key: "k", taskId: "a" } }));
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("e"), unique("f")] }), [null, "e"]);
    });

    it("is given back by a dead letter too, by no other task, and not before its end", async ({ store }) => {
      const runner = await startRunner(store);
      await store.limits.publishUnique({ messages: [unique("a")] });
      await store.broker.publish({ messages: [message("x")] });
      const [a, x] = (await runner.reserve(2)) as [Delivery, Delivery];
      await runner.commit(ack(x, { frees: { key: "k", taskId: "x" } }));
      await runner.commit({ ...ack(a), settle: { kind: "requeue", where: "front" } });
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("b")] }), ["a"]);
      const again = await runner.reserveOne();
      await runner.commit({
        ...ack(again, { frees: { key: "k", taskId: "a" } }),
        settle: { kind: "dead-letter", reason: "lost", detail: "" },
      });
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("b")] }), [null]);
    });

    it("may be given back with the start", async ({ store }) => {
      const runner = await startRunner(store);
      await store.limits.publishUnique({ messages: [unique("a")] });
      const a = await runner.reserveOne();
      const ask = { number: a.id.number, taskId: "a", demands: [], frees: { key: "k", taskId: "a" } };
      assert.deepEqual(await store.limits.admit(runner.epoch, [ask]), [{ kind: "granted" }]);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("b")] }), [null]);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("c")] }), ["b"]);
    });

    it("is taken again by the replay of a dead letter, which another task's refuses", async ({ store, pass }) => {
      const runner = await startRunner(store);
      await store.limits.publishUnique({ messages: [unique("a")] });
      const settle = { kind: "dead-letter", reason: "lost", detail: "" } as const;
      await runner.commit({ ...ack(await runner.reserveOne(), { frees: { key: "k", taskId: "a" } }), settle });
      const [{ id } = { id: "" }] = await store.deadLetters.list(1);
      const replay = { id, message: unique("a", "k", 1000), ended: { taskId: "a" } };
      await store.limits.publishUnique({ messages: [unique("b")] });
      assert.deepEqual(await store.deadLetters.replay(replay), { heldBy: "b" });
      assert.equal(await store.deadLetters.count(), 1);
      await runner.commit(ack(await runner.reserveOne(), { frees: { key: "k", taskId: "b" } }));
      assert.deepEqual(texts(await runner.reserve(9)), []);
      assert.equal(await store.deadLetters.replay(replay), true);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("c")] }), ["a"]);
      await pass(1100);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("c")] }), [null]);
      // A letter that is gone takes nothing.
      assert.equal(await store.deadLetters.replay({ ...replay, message: unique("a", "other") }), false);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("d", "other")] }), [null]);
    });

    it("lasts no longer than was said", async ({ store, pass }) => {
      await store.limits.publishUnique({ messages: [unique("a", "k", 50)] });
      await pass(80);
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("b", "k", 50)] }), [null]);
    });

    it("takes the same task again", async ({ store }) => {
      await store.limits.publishUnique({ messages: [unique("a")] });
      assert.deepEqual(await store.limits.publishUnique({ messages: [unique("a")] }), [null]);
    });

    it("is not kept by a task that was revoked, waiting or parked; by one in a runner until it is settled", async ({ store, pass }) => {
      const publish = async (...messages: Outgoing[]) => store.limits.publishUnique({ messages });
      await publish(unique("a"), message("b", { unique: { key: "parked", forMs: null }, parkMs: 3_600_000 }), unique("c", "kept"));
      const how = { terminate: false, killAfterMs: null };
      await store.revokes.revoke([{ by: "id", value: "a", ...how }], 60_000);
      await store.revokes.revoke([{ by: "root", value: "b", ...how }], 60_000);
      assert.deepEqual(await publish(unique("d"), unique("e", "parked"), unique("f", "kept")), [null, null, "c"]);
      const runner = await startRunner(store);
      const all = await runner.reserve(9);
      assert.deepEqual(all.map(idOf), ["a", "c", "d", "e"]);
      const [a, , d] = all as [Delivery, Delivery, Delivery];
      await runner.commit(ack(a, { frees: { key: "k", taskId: "a" } }));
      await store.revokes.revoke([{ by: "id", value: "d", ...how }], 60_000);
      await store.revokes.revoke([{ by: "id", value: "c", ...how }], 20);
      assert.deepEqual(await publish(unique("g")), ["d"]);
      await store.leases.close(runner.epoch);
      assert.deepEqual(await publish(unique("g")), ["d"]);
      await store.broker.commit(runner.epoch, [{ ...ack(d), settle: { kind: "park", untilMs: Date.now() + 60_000, why: "retry" } }], {
        onBehalf: true,
      });
      assert.deepEqual(await publish(unique("g")), [null]);
      await store.broker.commit(
        runner.epoch,
        all.filter(({ id }) => id !== a.id && id !== d.id).map((left) => ack(left)),
        { onBehalf: true },
      );
      await pass(40);
      assert.deepEqual(await publish(unique("h", "kept")), ["c"]);
    });

    it("says who has a key", async ({ store }) => {
      await store.limits.publishUnique({ messages: [message("a", { unique: { key: "aa", forMs: null } })] });
      assert.equal(await store.limits.holderOf("aa"), "a");
      assert.equal(await store.limits.holderOf("bb"), undefined);
    });

    it("goes with what is purged", async ({ store }) => {
      const enveloped = (id: string, key: string, more = {}) => {
        const headers = { task: "t", id };
        const bytes = JSON.stringify({ body: "W10=", headers, properties: { lovage: { unique: { key, until: "done" } } } });
        return message(id, { bytes, unique: { key, forMs: null }, ...more });
      };
      await store.limits.publishUnique({
        messages: [enveloped("a", "aa"), enveloped("b", "bb", { parkMs: 60_000 }), enveloped("c", "cc", { queue: "r" })],
      });
      assert.equal(await store.broker.queues.purge(["q"]), 2);
      const again = ["aa", "bb", "cc"].map((key) => enveloped(`again ${key}`, key));
      assert.deepEqual(await store.limits.publishUnique({ messages: again }), [null, null, "c"]);
    });
  });
};

/** For stores whose clock can be moved: a minute is too long to wait for. */
export const lapsedClaimsSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: claims`, () => {
    it("lapse after a minute: the next is called in place of one that never came", async ({ store, pass }) => {
      const runner = await startRunner(store);
      await store.broker.publish({ messages: [message("a"), message("lost", { queue: "q" }), message("c")] });
      const all = (await runner.reserve(3)) as [Delivery, Delivery, Delivery];
      await admit(runner, all, slots(1));
      await runner.commit(ack(all[0]));
      // Called back, and then taken by somebody who knows nothing of limits.
      assert.equal(idOf(await runner.reserveOne()), "lost");
      assert.equal((await store.leases.promote(10)).promoted, 0);
      await pass(61_000);
      assert.equal((await store.leases.promote(10)).promoted, 1);
      assert.equal(idOf(await runner.reserveOne()), "c");
    });
  });
};
