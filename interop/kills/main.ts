/** `npm run kills:chords -- --rounds N --seed S [--chords N]`: each round has a Redis, a fleet and a seed of its own: S, S + 1, … */
import { parseArgs } from "node:util";
import { describe } from "./describe.ts";
import { type Plan, playRound } from "./round.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    chords: { type: "string", default: "400" },
  },
});

for (let round = 0; round < Number(values.rounds); round += 1) {
  const seed = Number(values.seed) + round;
  const plan: Plan = { seed, chords: Number(values.chords), underWay: 260, killFrom: 200, mostKills: 200, pause: [200, 800] };
  console.log(`seed ${seed}`);
  const report = await playRound(plan);
  console.log(describe(report));
  if (report.findings.length > 0) process.exitCode = 1;
}
