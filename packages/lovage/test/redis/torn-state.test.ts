// Somebody removes one of our keys by hand: what was accepted is run all the same, and nobody crashes in a loop.
import { writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { Place, redisCommand, skips } from "../bad-input/place.ts";
import { waitFor } from "../worker/wait-for.ts";

const test = it.skipIf(skips("redis")).concurrent;

const places: Place[] = [];
afterAll(() => Promise.all(places.map((place) => place.close())));

/** A Redis, two nodes, and hands to do harm with. */
async function start() {
  const place = await Place.open("redis");
  places.push(place);
  const nodes = await Promise.all(["a", "b"].map((name) => place.node({ pool: "async", concurrency: 4, name: `${name}@%h` })));
  const command = (...words: string[]) => redisCommand(place.broker, words);
  const counted = async (...words: string[]) => Number(await command(...words));
  return {
    place,
    nodes,
    command,
    counted,
    async remove(pattern: string): Promise<void> {
      const keys = (await command("KEYS", `lovage:default:${pattern}`)) as string[];
      expect(keys, pattern).not.toEqual([]);
      await command("DEL", ...keys);
    },
    /** Six of them run and wait for the gate. */
    async underWay() {
      const [file, gate] = [place.file(), place.file()];
      const results = await Promise.all(Array.from({ length: 6 }, (_, i) => place.app.send("bad.span", [file, gate, i])));
      await waitFor("six runs", () => place.lines(file).length >= 6, 15_000);
      return { results, open: () => writeFileSync(gate, "") };
    },
    async serves(): Promise<void> {
      const results = await Promise.all(Array.from({ length: 20 }, (_, i) => place.app.send("bad.add", [i, 0])));
      expect(await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual(results.map((_, i) => i));
    },
    /** An event that comes again and again is a loop. */
    restarts: () => nodes.flatMap((node) => [...node.logged("lease.node-closed"), ...node.logged("runner.gone")]).length,
  };
}

test.each(["epoch:*", "fleet", "nodes", "node:epochs:*", "standby"])(
  "%s removed under six runs: each ends once for its caller",
  async (pattern) => {
    const { underWay, remove, serves, restarts } = await start();
    const { results, open } = await underWay();
    await remove(pattern);
    open();
    await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 })));
    await serves();
    expect(restarts()).toBeLessThanOrEqual(4);
  },
);

test.each(["nodes", "node:epochs:*"])("%s removed, and then a node dies: the other runs what it held", async (pattern) => {
  const { nodes, underWay, remove, serves, counted } = await start();
  const { results, open } = await underWay();
  await remove(pattern);
  await waitFor("nodes that are seen again", async () => (await counted("HLEN", "lovage:default:nodes")) === 2, 10_000);
  await nodes[0]?.kill();
  open();
  await Promise.all(results.map((result) => result.get({ timeoutMs: 40_000 })));
  await serves();
});

test("flight:* removed under six runs: they are told to the store again, and end once for their callers", async () => {
  const { nodes, place, underWay, remove, serves, restarts } = await start();
  const { results, open } = await underWay();
  await remove("flight:*");
  const restored = () =>
    nodes.flatMap((node) => node.logged("runner.records-removed")).reduce((sum, line) => sum + Number(line.restored), 0);
  await waitFor("six records", () => restored() === 6, 40_000);
  open();
  expect(await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await place.depth()).toBe(0);
  await serves();
  expect(restarts()).toBe(0);
});

test("parked:due removed: messages that wait for their time are run, and not before it", async () => {
  const { place, command, counted } = await start();
  const soon = await place.app.send("bad.add", [1, 1], { countdown: 2 });
  const late = await place.app.send("bad.add", [2, 2], { countdown: 3600 });
  await waitFor("two parked", async () => (await counted("ZCARD", "lovage:default:parked:due")) === 2);
  await command("DEL", "lovage:default:parked:due");
  expect(await soon.get({ timeoutMs: 45_000 })).toBe(2);
  await waitFor("the other to be parked again", async () => (await counted("ZCARD", "lovage:default:parked:due")) === 1);
  expect(await late.info()).toBeUndefined();
  // Numbers that were given are not given again.
  await command("DEL", "lovage:default:sequence");
  await place.app.send("bad.add", [3, 3], { countdown: 3600 });
  await waitFor("two parked", async () => (await counted("HLEN", "lovage:default:parked")) === 2);
});
