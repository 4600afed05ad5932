// A short round of what `npm run kills:chords` does at length.
import { expect, it } from "vitest";
import { skipped } from "../support/site.ts";
import { describe } from "./describe.ts";
import { playRound } from "./round.ts";

it.skipIf(skipped)(
  "kill -9 on both sides: every body is sent once where Lovage has the last part, and nothing of ours is lost",
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const report = await playRound({ seed, chords: 20, underWay: 20, killFrom: 1, mostKills: 15, pause: [100, 300] });
    const said = `seed ${seed}: ${describe(report)}`;
    console.log(said);
    expect(report.findings, said).toEqual([]);
    expect(report.bodies.get("lovage")?.once, said).toBeGreaterThan(0);
    expect(Math.max(...report.kills.values()), said).toBeGreaterThan(0);
  },
);
