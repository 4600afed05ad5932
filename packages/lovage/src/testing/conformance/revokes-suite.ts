/** `Revokes`: durable, versioned, announced. */
import assert from "node:assert/strict";
import type { Revoke } from "../../broker/revokes.ts";
import { cases, eventually, listening, type Suite, startRunner } from "./harness.ts";

const byId = (value: string, more: Partial<Revoke> = {}): Revoke => ({ by: "id", value, terminate: false, killAfterMs: 0, ...more });

export const revokesSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: revokes`, () => {
    it("gives what came after a version, and tells the version in every reserve", async ({ store, connect }) => {
      const runner = await startRunner(store);
      const before = (await store.broker.reserve(runner.nextCall(1))).revokesVersion;
      const first = await store.revokes.revoke([byId("a"), byId("r", { by: "root", terminate: true, killAfterMs: 500 })], 60_000);
      const second = await (await connect()).revokes.revoke([byId("b")], 60_000);
      assert.ok(before < first && first < second);
      assert.equal((await store.broker.reserve(runner.nextCall(1))).revokesVersion, second);
      const all = await store.revokes.since(0);
      assert.equal(all.version, second);
      assert.deepEqual(
        [...all.revokes].sort((a, b) => a.value.localeCompare(b.value)),
        [byId("a"), byId("b"), byId("r", { by: "root", terminate: true, killAfterMs: 500 })],
      );
      assert.deepEqual(await store.revokes.since(first), { version: second, revokes: [byId("b")] });
      assert.deepEqual(await store.revokes.since(second), { version: second, revokes: [] });
    });

    it("takes the same value again as news: a revoke may become a termination", async ({ store }) => {
      const first = await store.revokes.revoke([byId("a")], 60_000);
      await store.revokes.revoke([byId("a", { terminate: true, killAfterMs: 1 })], 60_000);
      assert.deepEqual((await store.revokes.since(first)).revokes, [byId("a", { terminate: true, killAfterMs: 1 })]);
    });

    it("lets them expire without going back in version", async ({ store, pass }) => {
      const version = await store.revokes.revoke([byId("a")], 100);
      assert.equal((await store.revokes.since(0)).revokes.length, 1);
      await pass(150);
      assert.deepEqual(await store.revokes.since(0), { version, revokes: [] });
      assert.ok((await store.revokes.revoke([byId("b")], 60_000)) > version);
    });

    it("announces each on the bus channel revokes", async ({ store, connect }) => {
      const other = await connect();
      await listening(
        (signal) => other.bus.subscribe(["revokes"], signal),
        async (heard) => {
          await eventually("an announcement", async () => {
            await store.revokes.revoke([byId("a")], 60_000);
            return heard.length > 0;
          });
        },
      );
    });
  });
};
