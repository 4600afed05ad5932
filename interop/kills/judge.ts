/**
 * What is true when all has come to rest. `findings` break a promise of Lovage; `listed` are what Celery's worker does when it is
 * killed between two of its steps, counted by reason. A message delivered again is neither: execution is at least once on both
 * sides. A body is sent again when a second message of it, with a tag of its own, went into a queue.
 */
import { type Chord, chordsIn, type Drawn, resultOf, type Side, type Step, stepsIn } from "./draw.ts";
import type { Journal, Message, Run, Started } from "./journal.ts";

export const reasons = {
  lost: "Celery's parent was killed between taking a message from its queue and recording it (BRPOP, then MULTI)",
  join: "all parts stand and the last is Celery's: killed inside its join, its message lost when it was taken again",
  inner: "a chord in its header, or before it, did not complete",
  after: "Celery's task ended, and its worker was killed before it sent what follows",
  again: "Celery sent the body, was killed before it acknowledged its last part, and joined once more",
  both: "Celery was killed inside its join or raced another one: each side sent the body",
  restarted: "Celery was killed after it had started the chord and before it acknowledged: it started it anew",
  raced: "Celery joined a set that another of its workers was taking away",
} as const;
export type Reason = keyof typeof reasons;

export type LastPart = "lovage" | "celery" | "both" | "nobody";
export interface Bodies {
  once: number;
  twice: number;
  never: number;
  /** Of those sent once: executed once, again because a kill hit them, never. */
  executedOnce: number;
  executedAgain: number;
  executedNever: number;
}
export interface Verdict {
  readonly bodies: ReadonlyMap<LastPart, Bodies>;
  /** How many tasks of each side, bodies too, were executed how often. */
  readonly executions: Readonly<Record<Side, ReadonlyMap<number, number>>>;
  readonly listed: ReadonlyMap<Reason, readonly string[]>;
  readonly findings: readonly string[];
}

/** @param left what waits in both queues, is in flight on either side, and was given up: see `left` in `python/tasks.py`. */
export function judge(drawn: readonly Drawn[], journal: Journal, left: readonly number[]): Verdict {
  const judgement = new Judgement(journal);
  const [ts, py, unacked, flight, dead] = left;
  if (left.some((count) => count !== 0))
    judgement.find(`Left: ts ${ts}, py ${py}, unacked ${unacked}, in flight ${flight}, dead letters ${dead}`);
  for (const root of drawn) {
    for (const chord of chordsIn(root)) judgement.body(chord, stepBefore(root, chord));
    for (const step of stepsIn(root)) judgement.step(step);
  }
  return judgement;
}

const stepBefore = (root: Drawn, chord: Chord): Drawn | undefined =>
  root.kind === "chain" ? root.steps[root.steps.indexOf(chord) - 1] : undefined;

class Judgement implements Verdict {
  readonly bodies = new Map<LastPart, Bodies>();
  readonly executions = { ts: new Map<number, number>(), py: new Map<number, number>() };
  readonly listed = new Map<Reason, string[]>();
  readonly findings: string[] = [];
  readonly #journal: Journal;
  readonly #startsOf = new Map<string, Started[]>();

  constructor(journal: Journal) {
    this.#journal = journal;
    for (const started of journal.chords.values())
      if (started.body !== undefined) this.#startsOf.set(started.body, [...(this.#startsOf.get(started.body) ?? []), started]);
  }

  find(what: string): void {
    this.findings.push(what);
  }

  body(chord: Chord, before: Drawn | undefined): void {
    const { label } = chord.body;
    const sent = this.#journal.messagesOf(label);
    const runs = this.#runs(label);
    const starts = this.#startsOf.get(label) ?? [];
    const counts = this.#countsOf(lastPartOf(sent));
    if (sent.length === 0) {
      counts.never += 1;
      this.#because(label, "never sent", this.#whyNever(chord, starts, before));
    } else if (sent.length > 1) {
      counts.twice += 1;
      this.#because(label, `sent ${sent.length} times`, whyTwice(sent, starts));
    } else {
      counts.once += 1;
      counts[runs.length === 0 ? "executedNever" : runs.length === 1 ? "executedOnce" : "executedAgain"] += 1;
    }
    this.#inputs(chord, sent, runs);
  }

  /** Of every task, bodies too. */
  step({ label, side }: Step): void {
    const sent = this.#journal.messagesOf(label);
    const runs = this.#runs(label);
    this.executions[side].set(runs.length, (this.executions[side].get(runs.length) ?? 0) + 1);
    if (sent.length === 0) return;
    const given = sent.reduce((sum, message) => sum + message.given, 0);
    if (side === "ts" && runs.length > given) this.find(`${label} ran ${runs.length} times, and was given to a runner only ${given} times`);
    const stored = this.#journal.results.get((sent[0] as Message).id);
    if (stored === "SUCCESS") return;
    if (side === "ts" || stored !== undefined) this.find(`${label} has ${runs.length} runs and the result ${stored}`);
    else this.#because(label, "has no result", whereLost(sent));
  }

  /** Each run of a body got what every member gave, whoever joined. */
  #inputs(chord: Chord, sent: readonly Message[], runs: readonly Run[]): void {
    const expected = chord.header.map(resultOf).sort().join();
    const wrong = runs.find(({ given }) => !Array.isArray(given) || [...given].sort().join() !== expected);
    if (wrong === undefined) return;
    const raced = sent.filter(({ by }) => by === "py").length > 1 ? "raced" : undefined;
    this.#because(chord.body.label, `got ${JSON.stringify(wrong.given)} instead of ${expected}`, raced);
  }

  #because(label: string, what: string, reason: Reason | undefined): void {
    if (reason === undefined) this.find(`${label} ${what}: ${JSON.stringify(this.#journal.messagesOf(label))}`);
    else this.listed.set(reason, [...(this.listed.get(reason) ?? []), label]);
  }

  /** undefined: nothing that Celery does explains it. */
  #whyNever(chord: Chord, starts: readonly Started[], before: Drawn | undefined): Reason | undefined {
    const latest = starts.at(-1);
    if (latest === undefined) return before && this.#whyUndone(before);
    const missing = chord.header.filter((member) => !this.#messages(member).some(({ id }) => latest.parts.has(id)));
    if (missing.length === 0) return latest.latest === "py" ? "join" : undefined;
    const whys = missing.map((member) => this.#whyUndone(member));
    return whys.includes(undefined) ? undefined : whys[0];
  }

  /** Why a member, or what stands before, has not done its part. */
  #whyUndone(drawn: Drawn): Reason | undefined {
    const sent = this.#messages(drawn);
    if (sent.length > 0) return whereLost(sent);
    if (drawn.kind === "chord") return "inner";
    const previous = drawn.kind === "chain" ? drawn.steps.at(-2) : undefined;
    if (previous === undefined) return undefined;
    const [done] = this.#messages(previous);
    if (done?.queue === "py" && this.#journal.results.get(done.id) === "SUCCESS") return "after";
    return this.#whyUndone(previous);
  }

  #messages = (drawn: Drawn): readonly Message[] => this.#journal.messagesOf(resultOf(drawn));
  #runs = (label: string): readonly Run[] => this.#journal.runs.get(label) ?? [];

  #countsOf(last: LastPart): Bodies {
    const counts = this.bodies.get(last) ?? { once: 0, twice: 0, never: 0, executedOnce: 0, executedAgain: 0, executedNever: 0 };
    this.bodies.set(last, counts);
    return counts;
  }
}

function lastPartOf(sent: readonly Message[]): LastPart {
  if (sent.length === 0) return "nobody";
  if (sent.every(({ by }) => by === "ts")) return "lovage";
  return sent.every(({ by }) => by === "py") ? "celery" : "both";
}

function whyTwice(sent: readonly Message[], starts: readonly Started[]): Reason | undefined {
  const ours = sent.filter(({ by }) => by === "ts");
  const joined = new Set(ours.map((message) => message.joined));
  if (joined.size < ours.length || joined.has(undefined)) return undefined;
  if (ours.length > 1) return starts.length >= ours.length && starts.some(({ by }) => by === "py") ? "restarted" : undefined;
  return ours.length === 1 ? "both" : "again";
}

/** Lovage holds what it took until it is settled; so does Celery, once it has recorded it. */
const whereLost = (sent: readonly Message[]): Reason | undefined =>
  sent.every(({ queue, place }) => queue === "py" && place === "queued") ? "lost" : undefined;
