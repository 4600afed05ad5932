/** `Revokes`: durable, versioned, announced. */
import assert from "node:assert/strict";
import { type KeptRevoke, type Revoke, type Revokes, revokeKey, stampText } from "../../broker/revokes.ts";
import { cases, eventually, listening, type Suite, startRunner } from "./harness.ts";

const byId = (value: string, more: Partial<Revoke> = {}): Revoke => ({ by: "id", value, terminate: false, killAfterMs: 0, ...more });
const many = 100;
const bare = ({ expiresAt: _, ...revoke }: KeptRevoke): Revoke => revoke;
/** As they were given, with the versions. */
async function all(revokes: Revokes, version: number): Promise<unknown> {
  const page = await revokes.since(version, many);
  return { version: page.version, latest: page.latest, revokes: page.revokes.map(bare) };
}

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
      assert.deepEqual(await all(store.revokes, 0), {
        version: second,
        latest: second,
        revokes: [byId("a"), byId("r", { by: "root", terminate: true, killAfterMs: 500 }), byId("b")],
      });
      assert.deepEqual(await all(store.revokes, first), { version: second, latest: second, revokes: [byId("b")] });
      assert.deepEqual(await all(store.revokes, second), { version: second, latest: second, revokes: [] });
    });

    it("gives them page by page, each once, and with no limit only the newest version", async ({ store }) => {
      const ids = Array.from({ length: 7 }, (_, i) => `id-${i}`);
      const latest = await store.revokes.revoke(
        ids.map((id) => byId(id)),
        60_000,
      );
      const seen: string[] = [];
      for (let version = 0; version < latest; ) {
        const page = await store.revokes.since(version, 3);
        assert.ok(page.version > version && page.revokes.length <= 3);
        seen.push(...page.revokes.map(({ value }) => value));
        version = page.version;
      }
      assert.deepEqual(seen, ids);
      assert.deepEqual(await store.revokes.since(2, 0), { version: 2, latest, revokes: [] });
    });

    it("says what stands for a key, with all it was given", async ({ store, pass }) => {
      const stamp = byId(stampText("user", "a b\n\u{1F600}"), { by: "stamp", terminate: true, killAfterMs: null, signal: "SIGUSR1" });
      await store.revokes.revoke([byId("a"), stamp, byId("gone")], 60_000);
      await store.revokes.revoke([byId("a", { terminate: true, killAfterMs: 7, signal: "SIGINT" })], 60_000);
      await store.revokes.revoke([byId("short")], 20);
      await pass(40);
      const keys = [byId("a"), byId("a", { by: "root" }), stamp, byId("short")].map(revokeKey);
      const found = await store.revokes.standing(keys);
      const again = byId("a", { terminate: true, killAfterMs: 7, signal: "SIGINT" });
      assert.deepEqual(
        found.map((revoke) => revoke && bare(revoke)),
        [again, undefined, stamp, undefined],
      );
    });

    it("goes on stopping what runs when a key is revoked again without", async ({ store, pass }) => {
      const stops = byId("a", { terminate: true, killAfterMs: 7, signal: "SIGINT" });
      await store.revokes.revoke([stops], 60_000);
      await store.revokes.revoke([byId("b", { terminate: true, killAfterMs: 7 })], 20);
      await pass(40);
      await store.revokes.revoke([byId("a"), byId("b")], 60_000);
      const found = await store.revokes.standing([byId("a"), byId("b")].map(revokeKey));
      assert.deepEqual(
        found.map((revoke) => revoke && bare(revoke)),
        [stops, byId("b")],
      );
    });

    it("takes the same value again as news: a revoke may become a termination", async ({ store }) => {
      const first = await store.revokes.revoke([byId("a")], 60_000);
      await store.revokes.revoke([byId("a", { terminate: true, killAfterMs: 1 })], 60_000);
      assert.deepEqual((await store.revokes.since(first, many)).revokes.map(bare), [byId("a", { terminate: true, killAfterMs: 1 })]);
    });

    it("lets them expire without going back in version", async ({ store, pass }) => {
      const version = await store.revokes.revoke([byId("a")], 100);
      assert.equal((await store.revokes.since(0, many)).revokes.length, 1);
      await pass(150);
      assert.deepEqual(await store.revokes.since(0, many), { version, latest: version, revokes: [] });
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
