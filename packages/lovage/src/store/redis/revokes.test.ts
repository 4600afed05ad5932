import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Revoke } from "../../broker/revokes.ts";
import { systemClock } from "../../kernel/clock.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";
import { Link } from "./link.ts";
import { parseRedisUrl } from "./url.ts";

const count = 20_000;
const mostBytes = 250;
/** As many ids as make a hash table and its listpacks like those of a million. */
const revokes = (from: number): readonly Revoke[] =>
  Array.from({ length: count }, (_, i) => ({
    ...({ by: "id", terminate: true, killAfterMs: 5000 } as const),
    value: `3f0c5e1a-8f4b-4f1e-9b39-${String(from + i).padStart(12, "0")}`,
  }));

describe.skipIf(process.env.LOVAGE_SKIP_REDIS)("many revokes on Redis", () => {
  let server: RedisServer;
  let store: Store;
  let link: Link;
  beforeAll(async () => {
    server = await startRedis();
    store = await open(server.url, { ...defaultStoreOptions, clock: systemClock, onFault: () => {} });
    link = new Link({ endpoint: parseRedisUrl(server.url), role: "test", deadlineMs: 5000, onFault: () => {} });
  });
  afterAll(async () => {
    await store?.close();
    await link?.close();
    await server?.stop();
  });

  const usedBytes = async () => Number(/used_memory_dataset:(\d+)/.exec(String(await link.call(["INFO", "memory"])))?.[1]);

  it(`take at most ${mostBytes} bytes each, and leave nothing when they have expired`, async () => {
    const before = await usedBytes();
    await store.revokes.revoke(revokes(0), 60_000);
    expect(((await usedBytes()) - before) / count).toBeLessThan(mostBytes);
    await link.call(["FLUSHALL"]);
    await store.revokes.revoke(revokes(0), 1);
    // The version. Whoever expires keys may take a moment.
    await expect.poll(() => link.call(["DBSIZE"]), { timeout: 5000 }).toBe(1);
  });

  it("make room for themselves: the expired leave as others come", async () => {
    await link.call(["FLUSHALL"]);
    await store.revokes.revoke(revokes(0).slice(0, 5000), 300);
    // Without it the keys themselves would be gone.
    await store.revokes.revoke([{ by: "root", value: "stays", terminate: false, killAfterMs: 0 }], 60_000);
    const entries = () => link.call(["XLEN", "lovage:default:revokes"]);
    expect(await entries()).toBe(5001);
    await expect.poll(async () => (await store.revokes.since(0, 1)).revokes.length + Number(await entries()), { timeout: 5000 }).toBe(2);
    expect(await link.call(["HLEN", "lovage:default:revokes:places"])).toBe(1);
  });
});
