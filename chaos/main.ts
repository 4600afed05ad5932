/** `npm run chaos -- --rounds N --store redis|sqlite --seed S [--tasks N] …`: ends with 1 when anything was lost or doubled. */
import { parseArgs } from "node:util";
import { playCampaign } from "./campaign.ts";
import { describe } from "./describe.ts";
import { nodes, type Plan, spread, storeKinds } from "./plan.ts";

const { values } = parseArgs({
  options: {
    store: { type: "string", multiple: true, default: [...storeKinds] },
    rounds: { type: "string", default: "20" },
    tasks: { type: "string", default: "5000" },
    chords: { type: "string", default: "20" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    kills: { type: "string", default: "8" },
    restarts: { type: "string", default: "5" },
    freezes: { type: "string", default: "2" },
    zombies: { type: "string", default: "2" },
    "drop-every": { type: "string", default: "0" },
  },
});

/** At the same time; one node is always left that sees to what the others held. */
const frozenParts = [
  ["supervisor", "node"],
  ["runner", "supervisor"],
] as const;
const rounds = Number(values.rounds);
for (const store of storeKinds.filter((kind) => values.store.includes(kind))) {
  const plan: Plan = {
    seed: Number(values.seed),
    store,
    rounds,
    tasksPerRound: Number(values.tasks),
    chordPercent: Number(values.chords),
    mostMs: 40,
    nodes,
    kills: ["runner", "runner", "runner", "supervisor", "node"],
    killsPerRound: Number(values.kills),
    pauseMs: [50, 400],
    restarts: spread(Number(values.restarts), rounds),
    freezes: spread(Number(values.freezes), rounds),
    zombies: spread(Number(values.zombies), rounds).map((round, i) => ({ round, parts: frozenParts[i % frozenParts.length] ?? [] })),
    frozenMs: 16_000,
    dropEvery: Number(values["drop-every"]),
  };
  const report = await playCampaign(plan, (line) => console.log(`  ${line}`));
  console.log(describe(report));
  if (report.findings.length > 0) process.exitCode = 1;
}
