/**
 * Many canvases on one fleet against the evaluator: counts, and each disagreement at its smallest. Canvases that a known
 * deviation of Celery touches are counted apart, and more are drawn until as many as asked for were compared without excuse.
 */
import { type Canvas, show, unstamped } from "./canvas.ts";
import { type Deviation, deviations, isExcused } from "./deviations.ts";
import type { Expected } from "./evaluate.ts";
import { type Fleet, type Job, jobOf, run } from "./fleet.ts";
import { generate } from "./generate.ts";
import { differences, type Observed } from "./observe.ts";
import { shrink } from "./shrink.ts";

export interface Plan {
  readonly seed: number;
  /** Canvases to compare. */
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
  readonly known: readonly Deviation[];
}

export interface Report extends Tally {
  readonly fleet: string;
  readonly tookMs: number;
}

interface Tally {
  ran: number;
  /** Those that no known deviation touches, and whatever disagrees. */
  compared: number;
  agreed: number;
  /** By known deviation: canvases that it touches, and those of them that are not as the evaluator says. */
  readonly touched: Map<Deviation, { canvases: number; differ: number }>;
  readonly findings: Finding[];
}

export async function campaign(fleet: Fleet, plan: Plan): Promise<Report> {
  const start = performance.now();
  const tally: Tally = { ran: 0, compared: 0, agreed: 0, touched: new Map(), findings: [] };
  const done: { job: Job; observed: Observed }[] = [];
  while (tally.compared < plan.count && tally.findings.length < plan.maxFindings) {
    const first = plan.from + tally.ran;
    const jobs = Array.from({ length: Math.min(plan.batch, plan.count - tally.compared) }, (_, i) => drawn(fleet, plan, first + i));
    const seen = await run(fleet, jobs);
    for (const [i, observed] of seen.entries()) {
      const job = jobs[i] as Job;
      if (!(observed instanceof Error)) done.push({ job, observed });
      await judge(fleet, plan, first + i, job, observed, tally);
    }
  }
  await lookForLatecomers(fleet, plan, done, tally);
  return { fleet: fleet.name, ...tally, tookMs: performance.now() - start };
}

function drawn({ celery, sides }: Fleet, { seed }: Plan, index: number): Job {
  const canvas = generate(seed, index);
  return jobOf(`s${seed}n${index}`, celery?.startsWith("5.2") ? unstamped(canvas) : canvas, sides(index));
}

async function judge(fleet: Fleet, plan: Plan, index: number, job: Job, observed: Observed | Error, tally: Tally): Promise<void> {
  tally.ran += 1;
  const found = verdict(fleet, job, observed);
  const known = excuses(fleet, job.expected);
  if (found.length === 0 && known.length > 0) {
    countTouched(tally, known, observed instanceof Error || differences(job.expected, observed).length > 0);
    return;
  }
  tally.compared += 1;
  if (found.length === 0) tally.agreed += 1;
  if (found.length === 0 || tally.findings.length >= plan.maxFindings) return;
  const { smallest, said } = plan.shrinks ? await smallestOf(fleet, job, index) : { smallest: job.canvas, said: found };
  const lines = said.length === 0 ? [...found, "(not seen again when run alone)"] : said;
  report(plan, tally, { index, canvas: job.canvas, smallest, differences: lines, known });
}

function countTouched({ touched }: Tally, known: readonly Deviation[], differs: boolean): void {
  for (const name of known) {
    const { canvases, differ } = touched.get(name) ?? { canvases: 0, differ: 0 };
    touched.set(name, { canvases: canvases + 1, differ: differ + (differs ? 1 : 0) });
  }
}

function report(plan: Plan, tally: Tally, finding: Finding): void {
  tally.findings.push(finding);
  plan.onFinding?.(finding);
}

function excuses({ celery }: Fleet, { deviations: met }: Expected): readonly Deviation[] {
  return celery === null ? [] : [...met].filter((name) => isExcused(name, celery));
}

const mayShowAnything = (fleet: Fleet, { expected }: Job): boolean =>
  excuses(fleet, expected).some((name) => deviations[name].shows === "other");

/** What speaks against it, in a fleet that is excused what Celery is known for. */
function verdict(fleet: Fleet, job: Job, observed: Observed | Error): readonly string[] {
  if (mayShowAnything(fleet, job)) return [];
  if (observed instanceof Error) return [`refused: ${observed.message}`];
  return differences(job.expected, observed, excuses(fleet, job.expected).length > 0);
}

let attempts = 0;

async function smallestOf(fleet: Fleet, job: Job, index: number): Promise<{ smallest: Canvas; said: readonly string[] }> {
  const said = new Map<Canvas, readonly string[]>();
  const fails = async (candidates: readonly Canvas[]) => {
    const jobs = candidates.map((canvas) => {
      attempts += 1;
      return jobOf(`n${index}a${attempts}`, canvas, job.sides);
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
    if (now.length === observed.records.length || mayShowAnything(fleet, job)) continue;
    const extra = differences(job.expected, { ...observed, records: now }, true).filter((line) => line.startsWith("unexpected"));
    if (extra.length === 0) continue;
    const index = Number(job.key.slice(job.key.lastIndexOf("n") + 1));
    report(plan, tally, { index, canvas: job.canvas, smallest: job.canvas, differences: extra, known: excuses(fleet, job.expected) });
  }
}

/** Values of deep canvases are long, and the first lines say it all. */
const shown = { lines: 8, characters: 300 };
const cut = (text: string): string => (text.length > shown.characters ? `${text.slice(0, shown.characters)} …` : text);

export function describe({ index, canvas, smallest, differences: said, known }: Finding, { seed }: Plan, command: string): string {
  return [
    `DISAGREES  seed ${seed}, canvas ${index}`,
    `  ${smallest === canvas ? "whole" : "smallest"}: ${show(smallest)}`,
    ...said.slice(0, shown.lines).map((line) => `  ${cut(line)}`),
    ...(said.length > shown.lines ? [`  … and ${said.length - shown.lines} more`] : []),
    `  known deviations there: ${known.join(", ") || "none"}`,
    `  again: ${command} --seed ${seed} --from ${index} --count 1`,
  ].join("\n");
}
