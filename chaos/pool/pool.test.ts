// A short round of what `npm run chaos -- pool` does at length.
import { chanceOf } from "lovage/testing";
import { expect, it } from "vitest";
import { killRunners, withinMs } from "./loop.ts";

const seed = Math.floor(Math.random() * 2 ** 31);

it.concurrent.each(["processes", "threads"] as const)(
  "the pool %s has its size again soon after each of 20 kills",
  { timeout: 120_000 },
  async (pool) => {
    const { tookMs, sent, done } = await killRunners({ pool, runners: 2, kills: 20, chance: chanceOf(seed) });
    expect(tookMs, `seed ${seed}`).toHaveLength(20);
    const sorted = [...tookMs].sort((a, b) => a - b);
    // Within 2 s on a machine that has the time; beside other tests processes take longer to start.
    const [median, most] = [sorted[10] ?? 0, sorted.at(-1) ?? 0];
    expect(median, `seed ${seed}`).toBeLessThan(2 * withinMs);
    expect(most, `seed ${seed}`).toBeLessThan(5 * withinMs);
    expect([sent > 0, done]).toEqual([true, sent]);
  },
);
