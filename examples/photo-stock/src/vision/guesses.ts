/**
 * Finds out what the ground is, which side of it the objects are on and how large they are: tries several answers on a
 * reduced copy and has each judged.
 */
import { axesOf } from "./axes.ts";
import { POLARITIES, type Polarity, residualOf } from "./evidence.ts";
import { fitGround, type Ground, sample } from "./ground.ts";
import { groundStarts } from "./ground-starts.ts";
import { type Guess, judge } from "./judge.ts";
import type { Tone } from "./tone.ts";

/** An answer this good needs no rival: further grounds are not tried. */
const CLEAR = 0.93;
/** An answer better than this is not improved by looking past shadows. */
const CLEAN = 0.97;

/** All answers tried, the best first; empty if nothing stands out. With `only`, just answers of that polarity. */
export function guessesFor(tone: Tone, only?: Polarity): Guess[] {
  const samples = sample(tone, 8000);
  const out: Guess[] = [];
  const seen: Ground[] = [];
  for (const start of groundStarts(samples)) {
    if (out.some((guess) => guess.quality > CLEAR)) break;
    const ground = fitGround(samples, start);
    if (seen.some((other) => alike(ground, other))) continue;
    seen.push(ground);
    const residual = residualOf(tone, ground);
    for (const polarity of only === undefined ? POLARITIES : [only]) {
      out.push(...judge(residual, ground, polarity));
      if (out.some((guess) => guess.quality > CLEAN)) break;
    }
  }
  const best = ranked(out)[0];
  if (best === undefined || best.quality > CLEAN || only !== undefined) return ranked(out);
  const residual = residualOf(tone, best.ground);
  for (const axis of axesOf(residual, best)) out.push(...judge(residual, best.ground, axis).filter((g) => g.quality > best.quality + 0.03));
  return ranked(out);
}

/** Qualities as close as this say nothing; then more well-shaped objects are the better answer. */
const TIE = 0.02;

/** The best first. */
function ranked(guesses: readonly Guess[]): Guess[] {
  const best = guesses.reduce((most, g) => Math.max(most, g.quality), 0);
  const front = (g: Guess): number => (g.quality > best - TIE ? g.count : 0);
  return [...guesses].sort((a, b) => front(b) - front(a) || b.quality - a.quality);
}

/** Two fits that would lead to the same answers. */
function alike(a: Ground, b: Ground): boolean {
  let sum = 0;
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < (a.surface[k]?.length ?? 0); i++) {
      sum += Math.abs((a.surface[k]?.[i] ?? 0) - (b.surface[k]?.[i] ?? 0)) / Math.min(a.spread[k] as number, b.spread[k] as number);
    }
  }
  return sum < 1;
}
