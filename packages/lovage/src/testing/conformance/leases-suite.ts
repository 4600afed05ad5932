/** `Leases`: who holds what, who is alive, how work comes back, and the bell. */
import assert from "node:assert/strict";
import { ack, body, cases, eventually, fenced, message, next, nodeInfo, only, type Suite, startRunner, texts, unique } from "./harness.ts";

export const leasesSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: leases`, () => {
    it("shows what it holds for an epoch, oldest first, whoever asks", async ({ store, connect }) => {
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      await runner.reserve(1);
      const [b] = await runner.reserve(2);
      assert.ok(b);
      await runner.commit(ack(b));
      const other = await connect();
      assert.deepEqual(texts(await other.leases.held(runner.epoch)), [body("a"), body("c")]);
      assert.deepEqual(await other.leases.held("nobody"), []);
    });

    it("closes an epoch for good and hands over what it held", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const held = await runner.reserve(2);
      assert.deepEqual(await store.leases.close(runner.epoch), held);
      assert.deepEqual(await store.leases.close(runner.epoch), held);
      await assert.rejects(store.leases.open(runner.node, runner.epoch), fenced("LOVAGE_EPOCH_CLOSED"));
      await assert.rejects(runner.commit(...held.map((delivery) => ack(delivery))), fenced("LOVAGE_EPOCH_CLOSED"));
    });

    it("lists a closed epoch as an orphan until all it held is settled", async ({ store, connect }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const [a, b] = await runner.reserve(2);
      assert.ok(a && b);
      assert.deepEqual((await store.leases.fleet()).orphans, []);
      await store.leases.close(runner.epoch);
      const reaper = await connect();
      const requeue = (delivery: typeof a) => ({ ...ack(delivery), settle: { kind: "requeue", where: "front" } }) as const;
      await reaper.broker.commit(runner.epoch, [requeue(b)], { onBehalf: true });
      assert.deepEqual((await reaper.leases.fleet()).orphans, [runner.epoch]);
      await reaper.broker.commit(runner.epoch, [requeue(a)], { onBehalf: true });
      assert.deepEqual((await reaper.leases.beat(runner.node)).orphans, []);
      const after = await startRunner(reaper);
      assert.deepEqual(texts(await after.reserve(5)), [body("a"), body("b")]);
    });

    it("reassigns deliveries to another epoch, which settles them; the one that gave is no orphan any more", async ({ store, connect }) => {
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")] });
      const runner = await startRunner(store);
      await runner.reserve(3);
      await store.leases.close(runner.epoch);
      const other = await connect();
      const taker = await startRunner(other);
      const moves = [{ number: 3 }, { number: 1, bytes: "marked" }, { number: 9 }];
      await store.leases.reassign(runner.epoch, taker.epoch, moves);
      await store.leases.reassign(runner.epoch, taker.epoch, moves);
      assert.deepEqual(texts(await other.leases.held(taker.epoch)), [body("c"), "marked"]);
      assert.deepEqual(texts(await store.leases.held(runner.epoch)), [body("b")]);
      assert.deepEqual((await store.leases.fleet()).orphans, [runner.epoch]);
      await store.leases.reassign(runner.epoch, taker.epoch, [{ number: 2 }]);
      assert.deepEqual((await store.leases.fleet()).orphans, []);
      const held = await other.leases.held(taker.epoch);
      assert.deepEqual(await taker.commit(...held.map((delivery) => ack(delivery))), ["applied", "applied", "applied"]);
      // Its next delivery has a number of its own.
      await store.broker.publish({ messages: [message("d")] });
      assert.equal((await taker.reserveOne()).id.number, 4);
      await store.leases.close(taker.epoch);
      await assert.rejects(store.leases.reassign(runner.epoch, taker.epoch, [{ number: 1 }]), fenced("LOVAGE_EPOCH_CLOSED"));
    });

    it("leaves a reassigned delivery its places at limits, until it is settled", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      const taker = await startRunner(store);
      await runner.reserve(1);
      const demands = [{ kind: "slots", name: "one at a time", most: 1 }] as const;
      const admit = async (epoch: string, number: number, taskId: string) =>
        (await store.limits.admit(epoch, [{ number, taskId, demands }]))[0]?.kind;
      assert.equal(await admit(runner.epoch, 1, "a"), "granted");
      await store.leases.close(runner.epoch);
      await store.leases.reassign(runner.epoch, taker.epoch, [{ number: 1 }]);
      assert.equal(await admit(taker.epoch, 1, "a"), "granted");
      const b = await taker.reserveOne();
      assert.equal(await admit(taker.epoch, b.id.number, "b"), "parked");
      const [a] = await store.leases.held(taker.epoch);
      assert.ok(a);
      await taker.commit(ack(a));
      const called = await taker.reserveOne();
      assert.equal(await admit(taker.epoch, called.id.number, "b"), "granted");
    });

    it("opens an epoch twice for the same node as once, and for no node that is not there", async ({ store }) => {
      const runner = await startRunner(store);
      await store.leases.open(runner.node, runner.epoch);
      await assert.rejects(store.leases.open("nobody", unique("epoch")), fenced("LOVAGE_NODE_CLOSED"));
      await assert.rejects(store.leases.beat("nobody"), fenced("LOVAGE_NODE_CLOSED"));
    });

    it("raises a node's counter with its own beat only", async ({ store, connect }) => {
      const one = unique("node");
      const two = unique("node");
      await store.leases.announce(nodeInfo(one));
      const other = await connect();
      await other.leases.announce(nodeInfo(two, { slots: 9 }));
      const count = async (id: string) => (await store.leases.fleet()).nodes.find((node) => node.info.id === id)?.count;
      const before = await count(two);
      const fleet = await store.leases.beat(one);
      await store.leases.beat(one);
      assert.equal(await count(two), before);
      assert.notEqual(await count(one), fleet.nodes.find((node) => node.info.id === one)?.count);
      assert.deepEqual(fleet.nodes.map((node) => node.info.id).sort(), [one, two].sort());
    });

    it("replaces a node's announcement, and keeps its counter", async ({ store }) => {
      const id = unique("node");
      await store.leases.announce(nodeInfo(id));
      const before = only((await store.leases.beat(id)).nodes);
      const info = nodeInfo(id, {
        queues: ["a", "b"],
        runners: [
          { epoch: "e", pid: 12 },
          { epoch: "f", pid: null },
        ],
      });
      await store.leases.announce(info);
      assert.deepEqual(only((await store.leases.fleet()).nodes), { info, count: before.count });
    });

    it("closes a node with all its epochs, if its counter stood still", async ({ store }) => {
      await store.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(store);
      const second = unique("epoch");
      await store.leases.open(runner.node, second);
      await runner.reserve(1);
      const seen = only((await store.leases.fleet()).nodes).count;
      await store.leases.beat(runner.node);
      assert.equal(await store.leases.closeNode(runner.node, seen), null);
      assert.equal((await store.leases.fleet()).nodes.length, 1);
      const { count } = only((await store.leases.fleet()).nodes);
      assert.deepEqual([...((await store.leases.closeNode(runner.node, count)) ?? [])].sort(), [runner.epoch, second].sort());
      const fleet = await store.leases.fleet();
      assert.deepEqual(fleet, { nodes: [], orphans: [runner.epoch] });
      await assert.rejects(store.leases.beat(runner.node), fenced("LOVAGE_NODE_CLOSED"));
      await assert.rejects(store.leases.announce(nodeInfo(runner.node)), fenced("LOVAGE_NODE_CLOSED"));
      await assert.rejects(store.leases.open(runner.node, unique("epoch")), fenced("LOVAGE_NODE_CLOSED"));
      await assert.rejects(runner.reserve(1), fenced("LOVAGE_EPOCH_CLOSED"));
    });

    it("closes a node in any case when no counter is given", async ({ store }) => {
      const runner = await startRunner(store);
      await store.leases.beat(runner.node);
      assert.deepEqual(await store.leases.closeNode(runner.node), [runner.epoch]);
      assert.deepEqual((await store.leases.fleet()).nodes, []);
    });

    it("keeps fleets of different namespaces apart", async ({ store, connect }) => {
      const runner = await startRunner(store);
      const other = await connect({ namespace: "other" });
      assert.deepEqual(await other.leases.fleet(), { nodes: [], orphans: [] });
      await assert.rejects(other.leases.beat(runner.node), fenced("LOVAGE_NODE_CLOSED"));
    });

    it("rings once at the start and again when something arrives, whoever pushed it", async ({ store, connect }) => {
      const controller = new AbortController();
      const other = await connect();
      const bell = store.leases.wake(["q", "r"], controller.signal)[Symbol.asyncIterator]();
      await next(bell, "the bell at the start");
      const rung = next(bell, "a bell for r");
      await other.broker.publish({ messages: [message("a", { queue: "r", priority: 6 })] });
      await rung;
      const runner = await startRunner(other);
      await runner.reserve(1, ["r"]);
      const again = next(bell, "a bell for a message given back");
      const [a] = await store.leases.close(runner.epoch);
      assert.ok(a);
      await other.broker.commit(runner.epoch, [{ ...ack(a), settle: { kind: "requeue", where: "back" } }], { onBehalf: true });
      await again;
      controller.abort();
      await eventually("the bell ends", async () => (await bell.next()).done === true);
    });

    it("rings when a parked message is promoted", async ({ store, connect, pass }) => {
      const controller = new AbortController();
      const bell = store.leases.wake(["q"], controller.signal)[Symbol.asyncIterator]();
      await next(bell, "the bell at the start");
      const other = await connect();
      await other.broker.publish({ messages: [message("a", { parkMs: 50 })] });
      await pass(80);
      const rung = next(bell, "a bell for the promoted message");
      await eventually("it is promoted", async () => (await other.leases.promote(5)).promoted === 1);
      await rung;
      controller.abort();
      await bell.return?.();
    });
  });
};
