/** `npm run chaos -- deaf [--faults N] [--seed S] [--pools async,solo] [--only "black hole"]`: each pool on a server of its own, side by side. */
import { parseArgs } from "node:util";
import { type Chance, chanceOf } from "lovage/testing";
import { faults } from "./faults.ts";
import { type Outcome, playLoop, withinMs } from "./loop.ts";
import { type Pool, pools } from "./site.ts";

const { values } = parseArgs({
  options: {
    faults: { type: "string", default: "50" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    pools: { type: "string", default: pools.join(",") },
    only: { type: "string", default: "" },
  },
});

/** All kinds by turns, each turn in an order by chance. */
function deal(count: number, chance: Chance) {
  const kinds = faults.filter(({ name }) => name.includes(values.only));
  const dealt = [];
  while (dealt.length < count) dealt.push(...kinds.map((fault) => ({ fault, key: chance() })).sort((a, b) => a.key - b.key));
  return dealt.slice(0, count).map(({ fault }) => fault);
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);
const say = ({ pool, fault, holdMs, tookMs, last, output }: Outcome) => {
  console.log(`${pool.padEnd(10)} ${fault.padEnd(28)} held ${seconds(holdMs)} s, done ${seconds(tookMs)} s after its end (${last})`);
  if (tookMs > withinMs) console.log(`TOO LATE. The worker said:\n${output}`);
};

console.log(`seed ${values.seed}`);
const wanted = values.pools.split(",") as Pool[];
const plays = wanted.map((pool, i) => {
  const chance = chanceOf(Number(values.seed) + i);
  return playLoop({ pool, faults: deal(Number(values.faults), chance), holdMs: [300, 5000], chance, onOutcome: say });
});
for (const [i, outcomes] of (await Promise.all(plays)).entries()) {
  const took = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const late = took.filter((ms) => ms > withinMs).length;
  if (late > 0 || took.length < Number(values.faults)) process.exitCode = 1;
  const at = (part: number) => seconds(took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN);
  console.log(
    `${wanted[i]}: ${took.length} faults, ${late} later than ${withinMs / 1000} s; median ${at(0.5)} s, 95 % ${at(0.95)} s, most ${at(1)} s`,
  );
}
