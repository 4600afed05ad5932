// Random canvases, a fresh seed each time: Lovage on every store against the evaluator, and a few live beside Celery.
// A failure names the seed and the command that shows it again.
import { describe, expect, it } from "vitest";
import { skipped } from "../support/site.ts";
import { campaign, describe as describeFinding, type Finding, type Plan, type Report } from "./campaign.ts";
import { celeryFleet, mixedFleet } from "./celery-fleet.ts";
import type { Fleet } from "./fleet.ts";
import { onStore, stores } from "./fleets.ts";

const seed = Math.floor(Math.random() * 2 ** 31);
/** Celery has deviations that nobody listed yet, and they are not what `npm test` is to find. */
const fixedSeed = 13;
const planOf = (count: number, seed: number): Plan => ({ seed, count, from: 0, batch: 100, maxFindings: 2, shrinks: true });

/** What it found, as people read it; empty is well. */
async function found(fleet: Fleet, count: number, command: string, drawn = seed): Promise<{ report: Report; text: string }> {
  const plan = planOf(count, drawn);
  const report = await campaign(fleet, plan);
  const say = (finding: Finding) => describeFinding(finding, plan, `npm run fuzz:canvas -- ${command}`);
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

  it.skipIf(skipped).each([
    [40, "Lovage beside Celery", mixedFleet, "mixed"],
    [20, "Celery alone", celeryFleet, "celery"],
  ] as const)("%i of a fixed seed that no deviation of Celery touches give what the evaluator says on %s", async (count, _, open, name) => {
    const fleet = await open();
    const { report, text } = await found(fleet, count, `--fleet ${name}`, fixedSeed).finally(() => fleet.close());
    expect(text).toBe("");
    expect(report.agreed).toBe(count);
  });
});
