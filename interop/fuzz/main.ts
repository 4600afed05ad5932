/** `npm run fuzz:canvas -- --count N --seed S [--store memory|sqlite|redis|all] [--fleet lovage|celery|mixed]` */
import { parseArgs } from "node:util";
import { campaign, describe, type Finding, type Plan, type Report } from "./campaign.ts";
import { deviations } from "./deviations.ts";
import { openFleets } from "./fleets.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    from: { type: "string", default: "0" },
    batch: { type: "string" },
    findings: { type: "string", default: "5" },
    whole: { type: "boolean", default: false },
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
  shrinks: !values.whole,
};
const command = `npm run fuzz:canvas -- --fleet ${values.fleet} --store`;

let failed = false;
console.log(`seed ${plan.seed}`);
for await (const { fleet, store } of openFleets(values.fleet, values.store)) {
  const onFinding = (finding: Finding) => console.log(describe(finding, plan, `${command} ${store}`));
  const report = await campaign(fleet, { ...plan, onFinding });
  console.log(summary(report));
  failed ||= report.findings.length > 0;
}
process.exitCode = failed ? 1 : 0;

function summary({ fleet, ran, compared, agreed, touched, findings, tookMs }: Report): string {
  const lines = [`${fleet}: ${agreed} of ${compared} agree, ${findings.length} disagree (${(tookMs / 1000).toFixed(1)} s)`];
  if (ran > compared) lines.push(`  ${ran - compared} more are touched by what Celery does otherwise:`);
  for (const [known, { canvases, differ }] of touched)
    lines.push(`  ${differ} of ${canvases} show it: ${known}: ${deviations[known].reason}`);
  return lines.join("\n");
}
