/** The deaf-worker loop: one fault after the other, and after each a task has to be done within seconds. */
import { setTimeout as sleep } from "node:timers/promises";
import { type App, isLovageError } from "lovage";
import type { Chance } from "lovage/testing";
import { probe } from "./app.ts";
import type { Fault } from "./faults.ts";
import { type Pool, Site } from "./site.ts";

export interface Plan {
  readonly pool: Pool;
  readonly faults: readonly Fault[];
  /** Milliseconds that a fault holds: at least, at most. */
  readonly holdMs: readonly [number, number];
  readonly chance: Chance;
  readonly onOutcome?: (outcome: Outcome) => void;
}

export interface Outcome {
  readonly pool: Pool;
  readonly fault: string;
  readonly holdMs: number;
  /** From the end of the fault until the last of the tasks was done that were sent before, in and after it. Infinity: it never was. */
  readonly tookMs: number;
  /** Which of them was last. */
  readonly last: string;
  readonly output: string;
}

/** What counts: a task is done so soon after a fault has ended. */
export const withinMs = 5000;
/** How long one that is late is waited for, to say how late. */
const patienceMs = 45_000;

export async function playLoop({ pool, faults, holdMs: [least, most], chance, onOutcome }: Plan): Promise<readonly Outcome[]> {
  const site = await Site.open(pool);
  const outcomes: Outcome[] = [];
  try {
    await done(site.near, "ready", 0);
    for (const [round, fault] of faults.entries()) {
      const holdMs = Math.round(least + (most - least) * chance());
      const { tookMs, last } = await suffer(site, fault, holdMs, round);
      const outcome = { pool, fault: fault.name, holdMs, tookMs, last, output: tookMs > withinMs ? site.worker.output : "" };
      outcomes.push(outcome);
      onOutcome?.(outcome);
      if (tookMs === Number.POSITIVE_INFINITY) break;
    }
    return outcomes;
  } finally {
    await site.close();
  }
}

/** Half of the faults befall a worker that has work, half one that idles. */
async function suffer(
  site: Site,
  fault: Fault,
  holdMs: number,
  round: number,
): Promise<{ readonly tookMs: number; readonly last: string }> {
  const tasks = new Map<string, Promise<number>>();
  const send = (label: string, app: App, ms: number) => tasks.set(label, done(app, `${label} ${round}`, ms));
  if (round % 2 === 0) for (const i of [1, 2, 3]) send(`before ${i}`, site.far, 150 * i);
  const during = round % 2 === 0 ? sleep(holdMs / 2).then(() => send("during", site.far, 20)) : undefined;
  await fault.befall(site, holdMs);
  await during;
  const endedAt = performance.now();
  send("after, far", site.far, 0);
  send("after, near", site.near, 0);
  const ends = await Promise.all([...tasks].map(async ([label, end]) => ({ label, tookMs: (await end) - endedAt })));
  const [last] = ends.sort((a, b) => b.tookMs - a.tookMs);
  return { tookMs: Math.round(Math.max(0, last?.tookMs ?? 0)), last: last?.label ?? "" };
}

/** When it was. */
async function done(app: App, label: string, ms: number): Promise<number> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const result = await app.send(probe, [label, ms]);
      await result.get({ timeoutMs: Math.max(1, until - performance.now()) });
      return performance.now();
    } catch (error) {
      if (!isLovageError(error) || performance.now() > until) return Number.POSITIVE_INFINITY;
      await sleep(20);
    }
  }
}
