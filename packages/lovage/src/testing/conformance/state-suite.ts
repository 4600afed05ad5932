/** `StateStore`: documents with version and expiry, counters, capped logs that can be followed. */
import assert from "node:assert/strict";
import type { LogEntry } from "../../broker/state-store.ts";
import { cases, eventually, listening, type Suite, text } from "./harness.ts";

const entries = (log: readonly LogEntry[]) => log.map((entry) => text(entry.data));
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

export const stateSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: state`, () => {
    it("reads what was written, with a version that grows", async ({ store }) => {
      assert.deepEqual(
        await store.state.write([
          { key: "a", value: "one" },
          { key: "b", value: new Uint8Array([0xff, 0]) },
        ]),
        [true, true],
      );
      const [a, none, b] = await store.state.read(["a", "none", "b"]);
      assert.ok(a && b);
      assert.equal(text(a.value), "one");
      assert.deepEqual([...b.value], [0xff, 0]);
      assert.equal(none, undefined);
      assert.ok(a.version > 0);
      await store.state.write([{ key: "a", value: "two" }]);
      const [again] = await store.state.read(["a"]);
      assert.ok(again && again.version > a.version);
      assert.equal(text(again.value), "two");
    });

    it("writes only at the version asked for, each write on its own", async ({ store }) => {
      assert.deepEqual(await store.state.write([{ key: "a", value: "1", ifVersion: 0 }]), [true]);
      const [a] = await store.state.read(["a"]);
      assert.ok(a);
      const replies = await store.state.write([
        { key: "a", value: "no", ifVersion: 0 },
        { key: "a", value: "2", ifVersion: a.version },
        { key: "a", value: "no", ifVersion: a.version },
        { key: "b", value: "yes", ifVersion: 0 },
        { key: "c", value: null, ifVersion: 7 },
      ]);
      assert.deepEqual(replies, [false, true, false, true, false]);
      assert.equal(text((await store.state.read(["a"]))[0]?.value ?? new Uint8Array()), "2");
    });

    it("lets exactly one of many writers win a key", async ({ store, connect }) => {
      const others = [store, await connect(), await connect()];
      const won = await Promise.all(
        [...others, ...others].map((other, i) => other.state.write([{ key: "once", value: String(i), ifVersion: 0 }])),
      );
      assert.equal(won.flat().filter(Boolean).length, 1);
    });

    it("deletes, and a key made again never stands at an old version", async ({ store }) => {
      await store.state.write([{ key: "a", value: "1" }]);
      const [first] = await store.state.read(["a"]);
      assert.deepEqual(await store.state.write([{ key: "a", value: null }]), [true]);
      assert.deepEqual(await store.state.read(["a"]), [undefined]);
      assert.deepEqual(await store.state.write([{ key: "a", value: "2", ifVersion: 0 }]), [true]);
      const [second] = await store.state.read(["a"]);
      assert.ok(first && second && second.version !== first.version);
    });

    it("lets a key expire, and a write without expiry keeps it", async ({ store, pass }) => {
      await store.state.write([
        { key: "a", value: "1", expiresMs: 100 },
        { key: "b", value: "1", expiresMs: 100 },
      ]);
      await store.state.write([{ key: "b", value: "2" }]);
      await pass(150);
      const [a, b] = await store.state.read(["a", "b"]);
      assert.equal(a, undefined);
      assert.ok(b);
      assert.deepEqual(await store.state.write([{ key: "a", value: "new", ifVersion: 0 }]), [true]);
    });

    it("lists the keys of a prefix", async ({ store, pass }) => {
      await store.state.write([
        ...["job/1", "job/2", "job/2/x", "jobs", "j%b/1", "Job/3"].map((key) => ({ key, value: "x" })),
        { key: "job/old", value: "x", expiresMs: 50 },
      ]);
      await pass(100);
      const listed: string[] = [];
      for await (const key of store.state.keys("job/")) listed.push(key);
      assert.deepEqual(listed.sort(), ["job/1", "job/2", "job/2/x"]);
    });

    it("adds to counters, from several at once", async ({ store, connect }) => {
      const other = await connect();
      await Promise.all([1, 2, 3, 4].map((by) => (by % 2 ? store : other).state.add("stats", { done: by, failed: 1 })));
      assert.deepEqual(await store.state.add("stats", { done: -1, fresh: 0 }), { done: 9, failed: 4, fresh: 0 });
      await store.state.write([{ key: "stats", value: null }]);
      assert.deepEqual(await store.state.add("stats", { done: 1 }), { done: 1 });
    });

    it("counts with a write what it stands for, once, and nothing with one that was not made", async ({ store, connect }) => {
      const others = [store, await connect(), await connect()];
      const counts = { key: "ends", add: { done: 1, ms: 40 } };
      await Promise.all([...others, ...others].map((other) => other.state.write([{ key: "once", value: "x", ifVersion: 0, counts }])));
      assert.deepEqual(await store.state.add("ends", {}), { done: 1, ms: 40 });
      const [once] = await store.state.read(["once"]);
      const replies = await store.state.write([
        { key: "once", value: "y", ifVersion: (once?.version ?? 0) + 1, counts },
        { key: "other", value: "y", counts: { key: "ends", add: { failed: 1 } } },
        { key: "once", value: null, ifVersion: once?.version ?? 0, counts: { key: "ends", add: { done: -1 } } },
      ]);
      assert.deepEqual(replies, [false, true, true]);
      assert.deepEqual(await store.state.add("ends", {}), { done: 0, ms: 40, failed: 1 });
      const half = store.state.write([{ key: "half", value: "x", counts: { key: "ends", add: { done: 0.5 } } }]);
      await assert.rejects(half, { code: "LOVAGE_COUNTER_NOT_WHOLE" });
      assert.deepEqual(await store.state.read(["half"]), [undefined]);
    });

    it("keeps the last entries of a log, in order", async ({ store }) => {
      const first = await store.state.append("log", numbered(0, 3), { keep: 5 });
      const second = await store.state.append("log", numbered(3, 7), { keep: 5 });
      assert.ok(second > first);
      assert.deepEqual(entries(await store.state.tail("log", 99)), numbered(2, 7));
      const last = await store.state.tail("log", 2);
      assert.deepEqual(entries(last), ["5", "6"]);
      assert.equal(last[1]?.id, second);
      assert.deepEqual(await store.state.tail("none", 5), []);
    });

    it("tells whether an entry of a log is still kept", async ({ store }) => {
      const first = await store.state.append("log", ["0"], { keep: 2 });
      const last = await store.state.append("log", ["1", "2"], { keep: 2 });
      assert.deepEqual(await Promise.all([first, last].map((id) => store.state.has("log", id))), [false, true]);
      assert.equal(await store.state.has("none", last), false);
    });

    it("keeps logs and documents of the same name apart", async ({ store }) => {
      await store.state.append("same", ["entry"], { keep: 5 });
      await store.state.write([{ key: "same", value: "document" }]);
      assert.deepEqual(entries(await store.state.tail("same", 5)), ["entry"]);
      assert.equal(text((await store.state.read(["same"]))[0]?.value ?? new Uint8Array()), "document");
    });

    it("follows a log from where the reader stopped, without gap or repeat", async ({ store, connect }) => {
      const other = await connect();
      await store.state.append("log", numbered(0, 4), { keep: 100 });
      const [, second] = await store.state.tail("log", 4);
      assert.ok(second);
      await listening(
        (signal) => store.state.follow("log", second.id, signal),
        async (seen) => {
          await eventually("what is there", () => seen.length === 2);
          for (let i = 4; i < 12; i += 2) await other.state.append("log", numbered(i, i + 2), { keep: 100 });
          await eventually("what comes", () => seen.length === 10);
          assert.deepEqual(entries(seen), numbered(2, 12));
        },
      );
    });

    it("follows a log that is not there yet", async ({ store, connect }) => {
      const other = await connect();
      await listening(
        (signal) => other.state.follow("new", "", signal),
        async (seen) => {
          await store.state.append("new", ["hello"], { keep: 5 });
          await eventually("the first entry", () => seen.length === 1);
        },
      );
    });

    it("lets a log expire, and renews it with each append", async ({ store, pass }) => {
      await store.state.append("log", ["a"], { keep: 5, expiresMs: 400 });
      await pass(250);
      await store.state.append("log", ["b"], { keep: 5, expiresMs: 400 });
      await pass(250);
      assert.deepEqual(entries(await store.state.tail("log", 5)), ["a", "b"]);
      await pass(250);
      assert.deepEqual(await store.state.tail("log", 5), []);
    });

    it("keeps namespaces apart", async ({ store, connect }) => {
      await store.state.write([{ key: "a", value: "1" }]);
      const other = await connect({ namespace: "other" });
      assert.deepEqual(await other.state.read(["a"]), [undefined]);
    });
  });
};
