/** `npm run chaos -- jobs [--store redis] [--rounds N] [--jobs N] [--kills N] [--seed S]`: ends with 1 when a job was lost, doubled or left files. */
import { parseArgs } from "node:util";
import { chanceOf } from "lovage/testing";
import { type JobsPlan, playJobs } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    store: { type: "string", multiple: true, default: ["redis", "sqlite"] },
    rounds: { type: "string", default: "5" },
    jobs: { type: "string", default: "100" },
    kills: { type: "string", default: "2" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});

console.log(`seed ${values.seed}`);
for (const store of values.store as JobsPlan["store"][]) {
  const numbers = { rounds: Number(values.rounds), jobsPerRound: Number(values.jobs), kills: Number(values.kills) };
  const { told, stats, killed, sentAgain, orphans, untold, findings, tookMs } = await playJobs({
    store,
    ...numbers,
    chance: chanceOf(Number(values.seed)),
  });
  if (findings.length > 0) process.exitCode = 1;
  console.log(
    `${store}: ${told} jobs taken in ${numbers.rounds} rounds, ${(tookMs / 1000).toFixed(0)} s; killed ${JSON.stringify(killed)}`,
  );
  console.log(
    `  ${sentAgain} uploads sent again; ended: ${stats.processed} complete, ${stats.failed} failed; ${stats.failed === 0 ? "" : ` (never answered as taken: ${JSON.stringify(untold)})`}; ${orphans} leftovers swept`,
  );
  for (const finding of findings) console.log(`  ${finding}`);
}
