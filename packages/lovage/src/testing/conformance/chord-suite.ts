/** Chord join by refuse and supply: who completes the set is told, and nobody else; nothing is half done (design.md §2). */
import assert from "node:assert/strict";
import type { ChordPart, Commit } from "../../message/commit.ts";
import { ack, type Bench, body, cases, eventually, message, result, type Suite, startRunner, type TestRunner, texts } from "./harness.ts";

const member = (taskId: string, index: number | null, value: unknown = index): ChordPart => ({
  groupId: "g",
  index,
  taskId,
  member: JSON.stringify([1, taskId, "SUCCESS", value]),
  expiresMs: 60_000,
});

const withPart =
  (runner: TestRunner, part: ChordPart, more: Partial<Commit> = {}) =>
  async () => {
    const delivery = await runner.reserveOne();
    return ack(delivery, { chordParts: [part], results: [result(part.taskId, "SUCCESS")], ...more });
  };

/** A chord of `size` members whose messages wait; the runner takes one per commit made. */
async function chordOf(size: number, { store }: Bench, taskset?: string): Promise<TestRunner> {
  const messages = Array.from({ length: size + 3 }, (_, i) => message(`m${i}`));
  const start = { groupId: "g", size, expiresMs: 60_000 };
  await store.broker.publish({ messages, chords: [taskset === undefined ? start : { ...start, taskset }] });
  return startRunner(store);
}

const commitOf = (runner: TestRunner, part: ChordPart, more: Partial<Commit> = {}) => withPart(runner, part, more)();

export const chordSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: chord join`, () => {
    it("refuses the commit that completes the set, and supplies the parts in order", async (bench) => {
      const runner = await chordOf(3, bench);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m2", 2))), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m0", 0))), ["applied"]);
      const last = await commitOf(runner, member("m1", 1));
      const { replies } = await bench.store.broker.commit(runner.epoch, [last]);
      assert.deepEqual(replies, [
        { kind: "parts-due", groupId: "g", parts: [member("m0", 0).member, member("m2", 2).member], position: 1, taskset: null },
      ]);
      assert.deepEqual(await bench.store.results.load(["m1"]), [undefined]);
      assert.equal((await bench.store.leases.held(runner.epoch)).length, 1);
      // Asked again without the body, it says the same again.
      assert.deepEqual((await bench.store.broker.commit(runner.epoch, [last])).replies, replies);
    });

    it("applies part, body, result and ack in one step on the second try, and removes the set", async (bench) => {
      const runner = await chordOf(2, bench);
      await runner.commit(await commitOf(runner, member("m0", 0)));
      const last = await commitOf(runner, member("m1", 1));
      assert.deepEqual(await runner.commit(last), ["parts-due"]);
      const second: Commit = {
        ...last,
        chordParts: [{ ...member("m1", 1), completes: "body" }],
        publish: [message("body", { queue: "bodies" })],
      };
      assert.deepEqual(await runner.commit(second, second), ["applied", "fenced"]);
      assert.deepEqual(texts(await runner.reserve(5, ["bodies"])), [body("body")]);
      assert.ok((await bench.store.results.load(["m1"]))[0]);
      assert.deepEqual(await bench.store.leases.held(runner.epoch).then((held) => held.length), 1);
      // The size went with the set: a part that comes now is only recorded.
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m1", 1))), ["applied"]);
    });

    it("leaves the set in place when it ends in an error, and answers a late repeat as a repeat", async (bench) => {
      const runner = await chordOf(2, bench);
      await runner.commit(await commitOf(runner, member("m0", 0)));
      const last = await commitOf(runner, member("m1", 1));
      const failed: Commit = { ...last, chordParts: [{ ...member("m1", 1), completes: "error" }], results: [result("body", "FAILURE")] };
      assert.deepEqual(await runner.commit(failed), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m1", 1))), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, { ...member("m1", 1), completes: "error" })), ["not-due"]);
    });

    it("takes a member that reports twice for one, whatever its text", async (bench) => {
      const runner = await chordOf(3, bench);
      await runner.commit(await commitOf(runner, member("m0", 0, "first")));
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m0", 0, "again"))), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m1", 1))), ["applied"]);
      const last = await commitOf(runner, member("m2", 2));
      const { replies } = await bench.store.broker.commit(runner.epoch, [last]);
      assert.deepEqual(replies, [
        { kind: "parts-due", groupId: "g", parts: [member("m0", 0, "first").member, member("m1", 1).member], position: 2, taskset: null },
      ]);
    });

    it("counts members of the same index as different ones, and those without an index last", async (bench) => {
      const runner = await chordOf(4, bench);
      for (const part of [member("none", null), member("b", 0), member("a", 0)]) {
        assert.deepEqual(await runner.commit(await commitOf(runner, part)), ["applied"]);
      }
      const { replies } = await bench.store.broker.commit(runner.epoch, [await commitOf(runner, member("c", 1))]);
      const parts = [member("a", 0), member("b", 0), member("none", null)].map((part) => part.member);
      assert.deepEqual(replies, [{ kind: "parts-due", groupId: "g", parts, position: 2, taskset: null }]);
    });

    it("answers not-due, and writes nothing, when the set lacks more than this part", async (bench) => {
      const runner = await chordOf(3, bench);
      const eager = await commitOf(runner, { ...member("m0", 0), completes: "body" }, { publish: [message("body", { queue: "bodies" })] });
      const { replies } = await bench.store.broker.commit(runner.epoch, [eager]);
      assert.deepEqual(replies, [{ kind: "not-due", groupId: "g" }]);
      assert.deepEqual(await bench.store.broker.queues.depth(["bodies"]), [0]);
      assert.deepEqual(await bench.store.results.load(["m0"]), [undefined]);
      assert.deepEqual(await runner.commit({ ...eager, chordParts: [member("m0", 0)], publish: [] }), ["applied"]);
    });

    it("records a part whose chord's size nobody has written yet, and counts it once the size is there", async ({ store }) => {
      await store.broker.publish({ messages: [message("a"), message("b")] });
      const runner = await startRunner(store);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("a", 0))), ["applied"]);
      await store.broker.publish({ messages: [], chords: [{ groupId: "g", size: 2, expiresMs: null }] });
      assert.deepEqual(await runner.commit(await commitOf(runner, member("b", 1))), ["parts-due"]);
    });

    it("supplies the saved group of a complex header", async (bench) => {
      const taskset = '{"result":[["g",null],[[["m0",null],null]]]}';
      const runner = await chordOf(1, bench, taskset);
      const only = await commitOf(runner, member("m0", 0));
      const { replies } = await bench.store.broker.commit(runner.epoch, [only]);
      assert.deepEqual(replies, [{ kind: "parts-due", groupId: "g", parts: [], position: 0, taskset }]);
      assert.equal(await bench.store.results.loadGroup("g"), taskset);
    });

    it("checks all parts of a commit before it writes any", async (bench) => {
      const runner = await chordOf(2, bench);
      await bench.store.broker.publish({ messages: [], chords: [{ groupId: "h", size: 1, expiresMs: 60_000 }] });
      const both = await commitOf(runner, member("m0", 0));
      const parts = [member("m0", 0), { ...member("x", 0), groupId: "h" }];
      const { replies } = await bench.store.broker.commit(runner.epoch, [{ ...both, chordParts: parts }]);
      assert.deepEqual(replies, [{ kind: "parts-due", groupId: "h", parts: [], position: 0, taskset: null }]);
      // m0 was not recorded: the set still lacks two.
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m1", 1))), ["applied"]);
      const supplied = [member("m0", 0), { ...member("x", 0), groupId: "h", completes: "body" } as const];
      const then = await bench.store.broker.commit(runner.epoch, [{ ...both, chordParts: supplied }]);
      assert.deepEqual(then.replies, [{ kind: "parts-due", groupId: "g", parts: [member("m1", 1).member], position: 0, taskset: null }]);
    });

    it("refuses one commit of a batch and applies its neighbours", async (bench) => {
      const runner = await chordOf(1, bench);
      const due = await commitOf(runner, member("m0", 0));
      const plain = ack(await runner.reserveOne(), { results: [result("plain", "SUCCESS")] });
      assert.deepEqual(await runner.commit(due, plain), ["parts-due", "applied"]);
      assert.ok((await bench.store.results.load(["plain"]))[0]);
    });

    it("tells exactly one of two runners that finish at the same time", async (bench) => {
      const one = await chordOf(2, bench);
      const two = await startRunner(await bench.connect());
      const commits = [await commitOf(one, member("m0", 0)), await commitOf(two, member("m1", 1))];
      const kinds = await Promise.all([one.commit(commits[0] as Commit), two.commit(commits[1] as Commit)]);
      assert.deepEqual(kinds.flat().sort(), ["applied", "parts-due"]);
    });

    it("waits for the members that one adds, and counts them once", async (bench) => {
      const runner = await chordOf(2, bench);
      const adding = { ...member("m0", 0), adds: 2 };
      assert.deepEqual(await runner.commit(await commitOf(runner, adding, { publish: [message("x"), message("y")] })), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m1", 1))), ["applied"]);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("x", 0))), ["applied"]);
      const last = await commitOf(runner, member("y", 0));
      assert.deepEqual(await runner.commit(last), ["parts-due"]);
      assert.deepEqual(await runner.commit({ ...last, chordParts: [{ ...member("y", 0), completes: "body" }] }), ["applied"]);
    });

    it("starts a chord from a commit, size before members", async ({ store }) => {
      await store.broker.publish({ messages: [message("outer")] });
      const runner = await startRunner(store);
      const outer = await runner.reserveOne();
      await runner.commit(ack(outer, { chords: [{ groupId: "g", size: 1, expiresMs: 60_000 }], publish: [message("m0")] }));
      assert.deepEqual(await runner.commit(await commitOf(runner, member("m0", 0))), ["parts-due"]);
    });

    it("forgets a chord that has expired", async ({ store, pass }) => {
      await store.broker.publish({ messages: [message("a"), message("b")], chords: [{ groupId: "g", size: 2, expiresMs: 100 }] });
      const runner = await startRunner(store);
      assert.deepEqual(await runner.commit(await commitOf(runner, { ...member("a", 0), expiresMs: 100 })), ["applied"]);
      await pass(150);
      assert.deepEqual(await runner.commit(await commitOf(runner, member("b", 1))), ["applied"]);
    });

    it("joins a chord of many members once, with all their parts", async (bench) => {
      const size = 120;
      const runner = await chordOf(size, bench);
      const due: number[] = [];
      for (let i = 0; i < size; i += 40) {
        const held = await runner.reserve(40);
        const batch = held.map((delivery, j) => ack(delivery, { chordParts: [member(`m${i + j}`, i + j)] }));
        const { replies } = await bench.store.broker.commit(runner.epoch, batch);
        for (const reply of replies) if (reply.kind === "parts-due") due.push(reply.parts.length);
      }
      assert.deepEqual(due, [size - 1]);
      await eventually("the completing member is still in flight", async () => (await bench.store.leases.held(runner.epoch)).length === 1);
    });
  });
};
