/** Many canvases on one fleet against the evaluator: counts, known deviations, and each disagreement at its smallest. */
import { type Canvas, show } from "./canvas.ts";
import type { Deviation } from "./deviations.ts";
import { evaluate } from "./evaluate.ts";
import { type Fleet, type Job, jobOf, run } from "./fleet.ts";
import { generate } from "./generate.ts";
import { differences, type Observed } from "./observe.ts";
import { shrink } from "./shrink.ts";

export interface Plan {
  readonly seed: number;
  readonly count: number;
  /** Index of the first canvas. */
  readonly from: number;
  /** Canvases under way at once. */
  readonly batch: number;
  /** Disagreements after which it stops. */
  readonly maxFindings: number;
}

export interface Finding {
  readonly index: number;
  readonly canvas: Canvas;
  readonly smallest: Canvas;
  readonly differences: readonly string[];
}

export interface Report {
  readonly fleet: string;
  readonly ran: number;
  readonly agreed: number;
  /** Canvases that showed less than expected, by the known reason. */
  readonly excused: ReadonlyMap<Deviation, number>;
  readonly findings: readonly Finding[];
  readonly tookMs: number;
}

export async function campaign(fleet: Fleet, plan: Plan): Promise<Report> {
  const start = performance.now();
  const tally = { ran: 0, agreed: 0, excused: new Map<Deviation, number>(), findings: [] as Finding[] };
  const done: { job: Job; observed: Observed }[] = [];
  for (let at = 0; at < plan.count && tally.findings.length < plan.maxFindings; at += plan.batch) {
    const jobs = Array.from({ length: Math.min(plan.batch, plan.count - at) }, (_, i) => drawn(plan, plan.from + at + i));
    const seen = await run(fleet, jobs);
    for (const [i, observed] of seen.entries()) {
      const job = jobs[i] as Job;
      if (!(observed instanceof Error)) done.push({ job, observed });
      await judge(fleet, plan, plan.from + at + i, job, observed, tally);
    }
  }
  await lookForLatecomers(fleet, plan, done, tally);
  return { fleet: fleet.name, ...tally, tookMs: performance.now() - start };
}

interface Tally {
  ran: number;
  agreed: number;
  readonly excused: Map<Deviation, number>;
  readonly findings: Finding[];
}

const drawn = ({ seed }: Plan, index: number): Job => jobOf(`s${seed}n${index}`, generate(seed, index));

async function judge(fleet: Fleet, plan: Plan, index: number, job: Job, observed: Observed | Error, tally: Tally): Promise<void> {
  tally.ran += 1;
  const found = verdict(fleet, job, observed);
  if (found.length === 0) {
    if (observed instanceof Error || differences(job.expected, observed).length === 0) tally.agreed += 1;
    else for (const known of job.expected.deviations) tally.excused.set(known, (tally.excused.get(known) ?? 0) + 1);
    return;
  }
  if (tally.findings.length >= plan.maxFindings) return;
  const { smallest, said } = await smallestOf(fleet, job, index);
  tally.findings.push({
    index,
    canvas: job.canvas,
    smallest,
    differences: said.length === 0 ? [...found, "(not seen again when run alone)"] : said,
  });
}

/** What speaks against it. A fleet with Celery may show less where Celery is known to. */
function verdict(fleet: Fleet, { expected }: Job, observed: Observed | Error): readonly string[] {
  if (observed instanceof Error) return [`refused: ${observed.message}`];
  return differences(expected, observed, fleet.withCelery && expected.deviations.size > 0);
}

let attempts = 0;

async function smallestOf(fleet: Fleet, job: Job, index: number): Promise<{ smallest: Canvas; said: readonly string[] }> {
  const said = new Map<Canvas, readonly string[]>();
  const fails = async (candidates: readonly Canvas[]) => {
    const jobs = candidates.map((canvas) => {
      attempts += 1;
      return jobOf(`n${index}a${attempts}`, canvas);
    });
    const seen = await run(fleet, jobs);
    return seen.map((observed, i) => {
      const found = verdict(fleet, jobs[i] as Job, observed);
      said.set(candidates[i] as Canvas, found);
      return found.length > 0;
    });
  };
  const [again] = await fails([job.canvas]);
  const smallest = again ? await shrink(job.canvas, fails) : job.canvas;
  return { smallest, said: said.get(smallest) ?? [] };
}

/** A body that runs twice may do so after everything looked complete. */
async function lookForLatecomers(fleet: Fleet, plan: Plan, done: readonly { job: Job; observed: Observed }[], tally: Tally): Promise<void> {
  const records = await fleet.records();
  for (const { job, observed } of done) {
    const now = records.get(job.key) ?? [];
    if (now.length === observed.records.length) continue;
    const extra = differences(job.expected, { ...observed, records: now }, true).filter((line) => line.startsWith("unexpected"));
    if (extra.length === 0) continue;
    const index = Number(job.key.slice(job.key.lastIndexOf("n") + 1));
    if (tally.findings.length < plan.maxFindings)
      tally.findings.push({ index, canvas: job.canvas, smallest: job.canvas, differences: extra });
  }
}

export function describe(finding: Finding, { seed }: Plan, command: string): string {
  const { index, canvas, smallest, differences: said } = finding;
  return [
    `DISAGREES  seed ${seed}, canvas ${index}: ${show(canvas)}`,
    `  smallest: ${show(smallest)}`,
    ...said.map((line) => `  ${line}`),
    `  known deviations there: ${[...evaluate(smallest).deviations].join(", ") || "none"}`,
    `  again:    ${command} --seed ${seed} --from ${index} --count 1`,
  ].join("\n");
}
