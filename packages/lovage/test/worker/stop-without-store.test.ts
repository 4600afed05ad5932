import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { Place, skips } from "../bad-input/place.ts";
import { waitFor } from "./wait-for.ts";

/** Milliseconds that a container gets by default. */
const dockerWaitsMs = 9000;

/** At the same time: each waits for a while. */
describe.skipIf(skips("redis")).concurrent("a warm stop while Redis is gone", () => {
  const places: Place[] = [];
  afterAll(() => Promise.all(places.map((place) => place.close())));

  async function newPlace(): Promise<Place> {
    const place = await Place.open("redis", { redis: { appendOnly: true } });
    places.push(place);
    return place;
  }

  it.each(["async", "processes"] as const)(
    "waits for what runs, then leaves its outcome to the next node (pool %s)",
    {
      timeout: 90_000,
    },
    async (pool) => {
      const place = await newPlace();
      const node = await place.node({ pool, concurrency: 2 });
      const [file, gate] = [place.file(), place.file()];
      const results = await Promise.all([1, 2].map((value) => place.app.send("bad.span", [file, gate, value])));
      await waitFor("both runs", () => place.lines(file).length === 2);
      await place.redis?.down();
      node.child.kill("SIGTERM");
      await waitFor("a store that is away for longer than a stop waits", () => node.logged("lease.beat-failed").length >= 4, 30_000);
      expect(node.logged("shutdown.store-gone")).toEqual([]);
      const freeAt = performance.now();
      writeFileSync(gate, "");
      expect(await node.exited, node.tail()).toBe(1);
      expect(performance.now() - freeAt).toBeLessThan(dockerWaitsMs);
      expect(place.lines(file).filter((line) => line.startsWith("-"))).toHaveLength(2);
      expect(node.logged("shutdown.store-gone")).toHaveLength(1);
      expect(node.logged("shutdown.left")).toMatchObject([{ deliveries: 2 }]);

      await place.redis?.restart();
      await place.node({ pool, concurrency: 2 });
      expect(await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 })))).toEqual([1, 2]);
    },
  );

  it("ends a node that does nothing", { timeout: 60_000 }, async () => {
    const place = await newPlace();
    const node = await place.node({ pool: "processes", concurrency: 2 });
    await place.redis?.down();
    const askedAt = performance.now();
    node.child.kill("SIGTERM");
    expect(await node.exited, node.tail()).toBe(1);
    expect(performance.now() - askedAt).toBeLessThan(dockerWaitsMs);
    expect(node.logged("shutdown.left")).toMatchObject([{ deliveries: 0 }]);
  });
});
