/** Many canvases on one fleet against the evaluator: counts, known deviations, and each disagreement at its smallest. */
import { type Canvas, show, unstamped } from "./canvas.ts";
import { type Deviation, deviations, isExcused } from "./deviations.ts";
import { type Expected, evaluate } from "./evaluate.ts";
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
  /** Looks for the smallest canvas that still disagrees. */
  readonly shrinks: boolean;
  /** Told of each disagreement at once. */
  readonly onFinding?: (finding: Finding) => void;
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
    const jobs = Array.from({ length: Math.min(plan.batch, plan.count - at) }, (_, i) => drawn(fleet, plan, plan.from + at + i));
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

function drawn({ celery }: Fleet, { seed }: Plan, index: number): Job {
  const canvas = generate(seed, index);
  return jobOf(`s${seed}n${index}`, celery?.startsWith("5.2") ? unstamped(canvas) : canvas);
}

async function judge(fleet: Fleet, plan: Plan, index: number, job: Job, observed: Observed | Error, tally: Tally): Promise<void> {
  tally.ran += 1;
  const found = verdict(fleet, job, observed);
  if (found.length === 0) {
    if (!(observed instanceof Error) && differences(job.expected, observed).length === 0) tally.agreed += 1;
    else for (const known of excuses(fleet, job.expected)) tally.excused.set(known, (tally.excused.get(known) ?? 0) + 1);
    return;
  }
  if (tally.findings.length >= plan.maxFindings) return;
  const { smallest, said } = plan.shrinks ? await smallestOf(fleet, job, index) : { smallest: job.canvas, said: found };
  const lines = said.length === 0 ? [...found, "(not seen again when run alone)"] : said;
  report(plan, tally, { index, canvas: job.canvas, smallest, differences: lines });
}

function report(plan: Plan, tally: Tally, finding: Finding): void {
  tally.findings.push(finding);
  plan.onFinding?.(finding);
}

function excuses({ celery }: Fleet, { deviations: met }: Expected): readonly Deviation[] {
  return celery === null ? [] : [...met].filter((name) => isExcused(name, celery));
}

/** What speaks against it, in a fleet that is excused what Celery is known for. */
function verdict(fleet: Fleet, { expected }: Job, observed: Observed | Error): readonly string[] {
  const known = excuses(fleet, expected);
  if (known.some((name) => deviations[name].shows === "other")) return [];
  if (observed instanceof Error) return [`refused: ${observed.message}`];
  return differences(expected, observed, known.length > 0);
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
    report(plan, tally, { index, canvas: job.canvas, smallest: job.canvas, differences: extra });
  }
}

/** Values of deep canvases are long, and the first lines say it all. */
const shown = { lines: 8, characters: 300 };
const cut = (text: string): string => (text.length > shown.characters ? `${text.slice(0, shown.characters)} …` : text);

export function describe({ index, canvas, smallest, differences: said }: Finding, { seed }: Plan, command: string): string {
  return [
    `DISAGREES  seed ${seed}, canvas ${index}`,
    `  ${smallest === canvas ? "whole" : "smallest"}: ${show(smallest)}`,
    ...said.slice(0, shown.lines).map((line) => `  ${cut(line)}`),
    ...(said.length > shown.lines ? [`  … and ${said.length - shown.lines} more`] : []),
    `  known deviations there: ${[...evaluate(smallest).deviations].join(", ") || "none"}`,
    `  again: ${command} --seed ${seed} --from ${index} --count 1`,
  ].join("\n");
}
