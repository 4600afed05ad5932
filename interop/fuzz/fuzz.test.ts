// Random canvases, a fresh seed each time: Lovage on every store against the evaluator.
// A failure names the seed and the command that shows it again.
import { describe, expect, it } from "vitest";
import { campaign, describe as describeFinding, type Finding, type Plan, type Report } from "./campaign.ts";
import type { Fleet } from "./fleet.ts";
import { onStore, stores } from "./fleets.ts";

const seed = Math.floor(Math.random() * 2 ** 31);
const plan = (count: number): Plan => ({ seed, count, from: 0, batch: 100, maxFindings: 2, shrinks: true });

/** What it found, as people read it; empty is well. */
async function found(fleet: Fleet, count: number, command: string): Promise<{ report: Report; text: string }> {
  const report = await campaign(fleet, plan(count));
  const say = (finding: Finding) => describeFinding(finding, plan(count), `npm run fuzz:canvas -- ${command}`);
  return { report, text: report.findings.map(say).join("\n") };
}

describe(`canvases of seed ${seed}`, () => {
  const skips = (store: string) => store === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined;

  it.for(stores)("300 on %s give what the evaluator says", async (store, { skip }) => {
    skip(skips(store), "needs Redis");
    const { fleet, close } = await onStore(store);
    const { report, text } = await found(fleet, 300, `--store ${store}`).finally(close);
    expect(text).toBe("");
    expect(report).toMatchObject({ ran: 300, agreed: 300 });
  });
});
