/**
 * Diarization error rate, as NIST's evaluations define it: the time that is missed, falsely called speech, or given to the
 * wrong speaker, over the time that was spoken, under the best one-to-one mapping of the speakers found to the true ones. Around
 * each true boundary a collar is left out, because where a turn begins is a matter of taste there. Overlapped speech counts once
 * for each who speaks.
 */
import type { Turn } from "../turns/turn.ts";

export interface ErrorRate {
  /** Missed + false alarm + confusion, over what was spoken. */
  readonly rate: number;
  /** Seconds. */
  readonly spoken: number;
  readonly missed: number;
  readonly falseAlarm: number;
  readonly confusion: number;
  /** Speaker found → true speaker. */
  readonly mapping: Readonly<Record<string, string>>;
}

interface Span {
  readonly seconds: number;
  readonly truth: ReadonlySet<string>;
  readonly found: ReadonlySet<string>;
}

/** @param collar seconds on either side of a true boundary that are not scored */
export function errorRate(truth: readonly Turn[], found: readonly Turn[], collar = 0.25): ErrorRate {
  const spans = spansOf(truth, found, collar);
  const mapping = bestMapping(spans);
  let [spoken, missed, falseAlarm, confusion] = [0, 0, 0, 0];
  for (const span of spans) {
    const [those, these] = [span.truth.size, span.found.size];
    const right = [...span.found].filter((speaker) => span.truth.has(mapping[speaker] ?? "")).length;
    spoken += span.seconds * those;
    missed += span.seconds * Math.max(0, those - these);
    falseAlarm += span.seconds * Math.max(0, these - those);
    confusion += span.seconds * (Math.min(those, these) - right);
  }
  const wrong = missed + falseAlarm + confusion;
  return { rate: spoken > 0 ? wrong / spoken : wrong > 0 ? 1 : 0, spoken, missed, falseAlarm, confusion, mapping };
}

/** Stretches in which nothing changes, without the collars. */
function spansOf(truth: readonly Turn[], found: readonly Turn[], collar: number): readonly Span[] {
  const edges = new Set<number>();
  for (const { start, end } of truth) for (const at of [start, end]) for (const edge of [at - collar, at, at + collar]) edges.add(edge);
  for (const { start, end } of found) edges.add(start).add(end);
  const sorted = [...edges].sort((a, b) => a - b);
  const boundaries = truth.flatMap(({ start, end }) => [start, end]);
  const at = (turns: readonly Turn[], time: number) =>
    new Set(turns.filter(({ start, end }) => start <= time && time < end).map(({ speaker }) => speaker));
  return sorted.slice(1).flatMap((to, i) => {
    const from = sorted[i]!;
    const middle = (from + to) / 2;
    if (boundaries.some((boundary) => Math.abs(boundary - middle) < collar)) return [];
    return [{ seconds: to - from, truth: at(truth, middle), found: at(found, middle) }];
  });
}

/** The mapping that agrees for the longest time: each found speaker in turn, over sets of true speakers already given away. */
function bestMapping(spans: readonly Span[]): Readonly<Record<string, string>> {
  const trueNames = [...new Set(spans.flatMap(({ truth }) => [...truth]))].sort();
  const foundNames = [...new Set(spans.flatMap(({ found }) => [...found]))].sort();
  if (trueNames.length > 20) throw new RangeError(`${trueNames.length} true speakers: at most 20 are mapped.`);
  const together = (speaker: string, name: string) =>
    spans.reduce((sum, { truth, found, seconds }) => sum + (found.has(speaker) && truth.has(name) ? seconds : 0), 0);
  type Best = { readonly seconds: number; readonly mapping: Readonly<Record<string, string>> };
  let best = new Map<number, Best>([[0, { seconds: 0, mapping: {} }]]);
  for (const speaker of foundNames) {
    const next = new Map(best);
    for (const [given, { seconds, mapping }] of best) {
      for (const [i, name] of trueNames.entries()) {
        const taken = given | (1 << i);
        if (taken === given) continue;
        const sum = seconds + together(speaker, name);
        if (sum > (next.get(taken)?.seconds ?? -1)) next.set(taken, { seconds: sum, mapping: { ...mapping, [speaker]: name } });
      }
    }
    best = next;
  }
  return [...best.values()].reduce((a, b) => (b.seconds > a.seconds ? b : a)).mapping;
}
