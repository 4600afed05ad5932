/** `ResultBackend`: documents, expiry, groups, and watching without a gap. */
import assert from "node:assert/strict";
import { ack, cases, eventually, listening, message, next, result, type Suite, startRunner, watching } from "./harness.ts";

export const resultsSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: results`, () => {
    it("loads what was stored, in the order asked for", async ({ store }) => {
      await store.results.store([result("a", "SUCCESS", "ünï\u0000"), result("b", "RETRY")]);
      assert.deepEqual(await store.results.load(["b", "none", "a", "a"]), [
        { taskId: "b", document: result("b", "RETRY").document },
        undefined,
        { taskId: "a", document: result("a", "SUCCESS", "ünï\u0000").document },
        { taskId: "a", document: result("a", "SUCCESS", "ünï\u0000").document },
      ]);
      assert.deepEqual(await store.results.load([]), []);
    });

    it("overwrites every state but SUCCESS", async ({ store }) => {
      for (const state of ["STARTED", "RETRY", "FAILURE", "SUCCESS", "FAILURE"]) await store.results.store([result("a", state)]);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "SUCCESS").document);
    });

    it("forgets on demand and by expiry, also a SUCCESS", async ({ store, pass }) => {
      await store.results.store([result("a", "SUCCESS"), result("b", "SUCCESS", null, 100), result("c", "SUCCESS", null, null)]);
      await store.results.forget(["a", "none"]);
      assert.deepEqual(await store.results.load(["a"]), [undefined]);
      await pass(150);
      assert.deepEqual(await store.results.load(["b"]), [undefined]);
      assert.ok((await store.results.load(["c"]))[0]);
      await store.results.store([result("b", "FAILURE")]);
      assert.equal((await store.results.load(["b"]))[0]?.document, result("b", "FAILURE").document);
    });

    it("saves groups apart from results, with an expiry of their own", async ({ store, pass }) => {
      await store.results.saveGroup("g", '{"result":1}', null);
      await store.results.saveGroup("h", '{"result":2}', 100);
      await store.results.saveGroup("g", '{"result":3}', null);
      assert.equal(await store.results.loadGroup("g"), '{"result":3}');
      assert.equal(await store.results.loadGroup("h"), '{"result":2}');
      assert.deepEqual(await store.results.load(["g"]), [undefined]);
      await pass(150);
      assert.equal(await store.results.loadGroup("h"), undefined);
      assert.equal(await store.results.loadGroup("none"), undefined);
      await store.results.forgetGroup("g");
      assert.equal(await store.results.loadGroup("g"), undefined);
    });

    it("shows a watcher what is there, then each later write, whoever made it", async ({ store, connect }) => {
      await store.results.store([result("a", "STARTED")]);
      const other = await connect();
      const controller = new AbortController();
      const watched = watching(store.results, ["a", "b"], controller.signal);
      assert.equal((await next(watched, "what is there")).document, result("a", "STARTED").document);
      const later = next(watched, "the result of b");
      await other.results.store([result("b", "SUCCESS", 1)]);
      assert.deepEqual(await later, { taskId: "b", document: result("b", "SUCCESS", 1).document });
      const committed = next(watched, "a committed result");
      await other.broker.publish({ messages: [message("a")] });
      const runner = await startRunner(other);
      await runner.commit(ack(await runner.reserveOne(), { results: [result("a", "SUCCESS")] }));
      assert.equal((await committed).document, result("a", "SUCCESS").document);
      controller.abort();
      await eventually("the watch ends", async () => (await watched.next()).done === true);
    });

    it("misses no result that is stored while the watch starts", async ({ store, connect }) => {
      const other = await connect();
      for (let round = 0; round < 20; round += 1) {
        const id = `r${round}`;
        await listening(
          (signal) => watching(store.results, [id], signal),
          async (seen) => {
            await other.results.store([result(id, "SUCCESS")]);
            await eventually(`the result of ${id}`, () => seen.some((found) => found.document === result(id, "SUCCESS").document));
          },
        );
      }
    });

    it("shows what is there to a watcher who comes as another leaves", async ({ store }) => {
      await store.results.store([result("a", "SUCCESS"), result("b", "SUCCESS")]);
      const { signal } = new AbortController();
      for (let turns = 0; turns < 20; turns += 1) {
        const first = watching(store.results, ["a"], signal);
        await next(first, "the result of a");
        const other = watching(store.results, ["b"], signal);
        const later = next(other, "the result of b");
        await undefined;
        await first.return(undefined);
        for (let turn = 0; turn < turns; turn += 1) await undefined;
        const again = watching(store.results, ["a"], signal);
        assert.equal((await next(again, `the result of a, ${turns} turns later`)).taskId, "a");
        await later;
        await Promise.all([again.return(undefined), other.return(undefined)]);
      }
    });

    it("watches a hundred ids at once", async ({ store, connect }) => {
      const ids = Array.from({ length: 100 }, (_, i) => `r${i}`);
      const other = await connect();
      await listening(
        (signal) => watching(store.results, ids, signal),
        async (seen) => {
          for (let i = 0; i < ids.length; i += 10) await other.results.store(ids.slice(i, i + 10).map((id) => result(id, "SUCCESS")));
          await eventually("all are seen", () => new Set(seen.map((found) => found.taskId)).size === ids.length);
        },
      );
    });
  });
};
