// A short round of what `npm run chaos -- jobs` does at length.
import { chanceOf } from "lovage/testing";
import { expect, it } from "vitest";
import { playJobs } from "./campaign.ts";

const seed = Math.floor(Math.random() * 2 ** 31);

it.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)(
  "completes every job once while the service, its workers and Redis are killed, and leaves no files of none",
  { timeout: 180_000 },
  async () => {
    const report = await playJobs({ store: "redis", rounds: 1, jobsPerRound: 30, kills: 1, chance: chanceOf(seed) });
    expect(report.findings, `seed ${seed}`).toEqual([]);
    expect(report.told).toBe(30);
    // An upload whose answer was lost is a job all the same: complete, or it says why it is not.
    expect(report.stats.processed).toBeGreaterThanOrEqual(30);
  },
);
