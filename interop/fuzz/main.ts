/** `npm run fuzz:canvas -- --count N --seed S [--store memory|sqlite|redis|all] [--fleet lovage|celery|mixed]` */
import { parseArgs } from "node:util";
import { campaign, describe, type Plan, type Report } from "./campaign.ts";
import { deviations } from "./deviations.ts";
import { openFleets } from "./fleets.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    from: { type: "string", default: "0" },
    batch: { type: "string" },
    findings: { type: "string", default: "5" },
    store: { type: "string", default: "memory" },
    fleet: { type: "string", default: "lovage" },
  },
});

const plan: Plan = {
  seed: Number(values.seed),
  count: Number(values.count),
  from: Number(values.from),
  batch: Number(values.batch ?? (values.fleet === "lovage" ? 500 : 100)),
  maxFindings: Number(values.findings),
};
const command = `npm run fuzz:canvas -- --fleet ${values.fleet} --store`;

let failed = false;
console.log(`seed ${plan.seed}`);
for await (const { fleet, store } of openFleets(values.fleet, values.store)) {
  const report = await campaign(fleet, plan);
  for (const finding of report.findings) console.log(describe(finding, plan, `${command} ${store}`));
  console.log(summary(report));
  failed ||= report.findings.length > 0;
}
process.exitCode = failed ? 1 : 0;

function summary({ fleet, ran, agreed, excused, findings, tookMs }: Report): string {
  const lines = [`${fleet}: ${agreed} of ${ran} agree, ${findings.length} disagree (${(tookMs / 1000).toFixed(1)} s)`];
  for (const [known, count] of excused) lines.push(`  ${count} with less, as Celery does: ${deviations[known]} (${known})`);
  return lines.join("\n");
}
