// A short round of what `npm run chaos` does at length.
import { expect, it } from "vitest";
import { playCampaign } from "./campaign.ts";
import { describe } from "./describe.ts";
import { type Plan, storeKinds } from "./plan.ts";

const seed = Math.floor(Math.random() * 2 ** 31);
const nodes = [
  { name: "processes", args: ["-P", "processes", "-c", "2"] },
  { name: "async", args: ["-P", "async", "-c", "20"] },
];
const short: Omit<Plan, "store"> = {
  ...{ seed, rounds: 2, tasksPerRound: 500, chordPercent: 25, mostMs: 40, nodes },
  ...{ kills: ["runner", "runner", "supervisor", "node"], killsPerRound: 4, pauseMs: [20, 150] },
  ...{ restarts: [0, 1], freezes: [], zombies: [], frozenMs: 0, dropEvery: 0 },
};

for (const store of storeKinds)
  it.skipIf(store === "redis" && process.env.LOVAGE_SKIP_REDIS)(
    `kill -9 of runners and supervisors on ${store}: nothing is lost, and what ran twice was killed before its commit`,
    async () => {
      const lines: string[] = [];
      const report = await playCampaign({ ...short, store }, (line) => lines.push(line));
      const said = `${describe(report)}\n${lines.join("\n")}`;
      console.log(describe(report));
      expect(report.findings, said).toEqual([]);
      expect(report.account, said).toMatchObject({ tasks: 1000, lost: [] });
      expect(report.runs - report.sent, said).toBe([...report.account.causes.values()].reduce((sum, count) => sum + count, 0));
      expect(report.faults.get("runner killed"), said).toBeGreaterThan(0);
    },
  );

it.skipIf(process.env.LOVAGE_SKIP_REDIS)("loses nothing and runs nothing twice when every sixth reply is lost on its way", async () => {
  const plan: Plan = {
    ...short,
    store: "redis",
    rounds: 1,
    tasksPerRound: 400,
    kills: [],
    killsPerRound: 0,
    restarts: [],
    dropEvery: 6,
  };
  const report = await playCampaign(plan);
  const said = describe(report);
  console.log(said);
  expect(report.findings, said).toEqual([]);
  expect(report, said).toMatchObject({ sent: 400, runs: 400, account: { once: 400, lost: [] } });
  expect(report.faults.get("reply dropped"), said).toBeGreaterThan(5);
});
