/** `npm run chaos -- pool [--kills N] [--runners N] [--seed S] [--pools processes,threads]`: ends with 1 when a pool was short for too long. */
import { parseArgs } from "node:util";
import { chanceOf } from "lovage/testing";
import { killRunners, type Pool, pools, withinMs } from "./loop.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    runners: { type: "string", default: "4" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    pools: { type: "string", default: pools.join(",") },
  },
});

console.log(`seed ${values.seed}`);
for (const pool of values.pools.split(",") as Pool[]) {
  const [kills, runners] = [Number(values.kills), Number(values.runners)];
  const { tookMs, sent, done } = await killRunners({ pool, runners, kills, chance: chanceOf(Number(values.seed)) });
  const took = [...tookMs].sort((a, b) => a - b);
  const at = (part: number) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN);
  const late = took.filter((ms) => ms > withinMs).length;
  if (late > 0 || done < sent) process.exitCode = 1;
  console.log(
    `${pool}: ${took.length} kills, ${late} later than ${withinMs} ms; median ${at(0.5)} ms, 99 % ${at(0.99)} ms, most ${at(1)} ms; ${done} of ${sent} tasks done`,
  );
}
