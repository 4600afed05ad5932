/** A campaign: rounds of load under faults, then the account of all that was sent. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Account, account, chanceOf, readJournal } from "lovage/testing";
import { Injector } from "./injector.ts";
import { Load } from "./load.ts";
import type { Plan } from "./plan.ts";
import { Site } from "./site.ts";

export interface Report {
  readonly plan: Plan;
  readonly sent: number;
  readonly chords: number;
  readonly runs: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly account: Account;
  /** Of the account, and what the store has left or counted wrongly. Empty: nothing is lost, nothing is doubled. */
  readonly findings: readonly string[];
  readonly tookMs: number;
}

/** Longer than any fault lasts, and what follows it. */
const stalledAfterMs = 60_000;

export async function playCampaign(plan: Plan, say: (line: string) => void = () => {}): Promise<Report> {
  const begun = performance.now();
  const site = await Site.open(plan);
  try {
    await site.start();
    const chance = chanceOf(plan.seed);
    const load = new Load(site.sender, plan, chanceOf(plan.seed ^ 0x10ad));
    const injector = new Injector(plan, site, chance);
    const stalled = await playRounds(plan, load, injector, say);
    const runs = readJournal(site.journal);
    const effective = await load.effective();
    const accounted = account({ labels: load.labels, runs, faults: injector.faults, effective: (label) => effective.get(label) });
    const findings = [...stalled, ...accounted.findings, ...(await leftovers(site, load))];
    if (findings.length > 0) for (const worker of site.workers) say(worker.output.slice(-4000));
    const { sent, chords } = load;
    return {
      plan,
      sent,
      chords,
      runs: runs.length,
      faults: new Map([...injector.counts, ...(site.droppedReplies > 0 ? ([["reply dropped", site.droppedReplies]] as const) : [])]),
      account: accounted,
      findings,
      tookMs: performance.now() - begun,
    };
  } finally {
    await site.close();
  }
}

async function playRounds(plan: Plan, load: Load, injector: Injector, say: (line: string) => void): Promise<string[]> {
  for (let round = 0; round < plan.rounds; round += 1) {
    const begun = performance.now();
    const over = new AbortController();
    const work = load
      .sendRound(round)
      .then(() => untilDone(load))
      .finally(() => over.abort());
    const [stalled] = await Promise.all([work, injector.injectRound(round, over.signal)]);
    say(`round ${round + 1}: ${load.sent} tasks, ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    if (stalled) return [`round ${round + 1} stalled: ${await load.done()} of ${load.sent} tasks are done, and nothing moves`];
  }
  return [];
}

/** true: nothing has moved for so long that it never will. */
async function untilDone(load: Load): Promise<boolean> {
  let last = -1;
  for (let since = performance.now(); performance.now() - since < stalledAfterMs; await sleep(20)) {
    const done = await load.done();
    if (done >= load.sent) return false;
    if (done !== last) since = performance.now();
    last = done;
  }
  return true;
}

/** What the store holds or counts that it should not. */
async function leftovers(site: Site, load: Load): Promise<string[]> {
  const store = await site.sender.store();
  const [waiting = 0] = await store.broker.queues.depth(["celery"]);
  const { nodes, orphans } = await store.leases.fleet();
  const epochs = nodes.flatMap(({ info }) => info.runners.map(({ epoch }) => epoch));
  const held = await Promise.all(epochs.map((epoch) => store.leases.held(epoch)));
  const { nextDueMs } = await store.leases.promote(0);
  const { steps, bodies } = await load.counted();
  const left = {
    "tasks that wait in the queue": waiting,
    "tasks in flight": held.flat().length,
    "closed epochs that still hold tasks": orphans.length,
    "parked tasks": nextDueMs === null ? 0 : 1,
    "dead letters": (await store.deadLetters.list(10)).length,
    "outcomes counted beyond the tasks": steps + bodies - load.sent,
    "bodies counted beyond the chords": bodies - load.chords,
  };
  return Object.entries(left).flatMap(([what, count]) => (count === 0 ? [] : [`Left: ${count} ${what}`]));
}
