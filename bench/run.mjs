// `npm run bench`: Lovage, the floor, BullMQ and real Celery side by side on one Redis that this script starts, in
// alternating rounds; medians and ratios in one table. Ratios within a round hold; absolute rates depend on the machine.
//   --rounds N   default 3        --quick   smaller loads, one round        --json FILE   the same as data
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.mjs";
import { startRedis } from "./lib/redis-server.mjs";
import { openContestants, runRound } from "./lib/round.mjs";
import { ratiosOf, summarize } from "./lib/summary.mjs";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, quick: { type: "boolean", default: false }, json: { type: "string" } },
});
const rounds = [];
let versions = {};
const redis = await startRedis();
try {
  const contestants = await openContestants(redis);
  for (let i = 0; i < (flags.quick ? 1 : Number(flags.rounds)); i++) {
    console.error(`round ${i + 1} on redis ${redis.version}`);
    const round = await runRound(redis, contestants, { quick: flags.quick, say: (line) => console.error(`  ${line}`) });
    rounds.push(round.figures);
    versions = { redis: redis.version, ...round.versions };
  }
  await contestants.close();
} finally {
  await redis.stop();
}
const ratios = ratiosOf(rounds);
const machine = describeMachine();
console.log(summarize({ machine, versions, rounds, ratios }));
if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ machine, versions, rounds, ratios }, null, 2)}\n`);
process.exit(0);
