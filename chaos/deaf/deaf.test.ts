// A short round of what `npm run chaos -- deaf` does at length: each kind of fault once, dealt to the pools by turns.
import { chanceOf } from "lovage/testing";
import { expect, it } from "vitest";
import { faults } from "./faults.ts";
import { playLoop, withinMs } from "./loop.ts";
import { pools } from "./site.ts";

const seed = Math.floor(Math.random() * 2 ** 31);

for (const [turn, pool] of pools.entries())
  it.skipIf(process.env.LOVAGE_SKIP_REDIS).concurrent(`the pool ${pool} is not deaf after a fault`, async () => {
    const mine = faults.filter((_, i) => (i + seed) % pools.length === turn);
    const outcomes = await playLoop({ pool, faults: mine, holdMs: [300, 1000], chance: chanceOf(seed + turn) });
    const late = outcomes.filter(({ tookMs }) => tookMs > withinMs);
    expect(late, `seed ${seed}`).toEqual([]);
    expect(outcomes).toHaveLength(mine.length);
  });
