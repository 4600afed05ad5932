/** Cuts speech where the voice changes: two windows slide over it, and where they differ most stands a cut. */
import type { Breath } from "./breath.ts";
import type { Region } from "./speech.ts";
import type { VoiceModel } from "./stretch.ts";

export interface ChangeTuning {
  /** Frames of each window. */
  readonly window: number;
  /** ΔBIC from which on a local maximum is a cut. Rather too many: clustering puts back together what belongs together. */
  readonly threshold: number;
}

const step = 10;
/** Frames on either side of a cut. */
const shortest = 50;

export async function cutAtChanges(
  regions: readonly Region[],
  voices: VoiceModel,
  tuning: ChangeTuning,
  breath: Breath,
): Promise<Region[]> {
  const cut: Region[] = [];
  for (const region of regions) {
    let from = region.from;
    for (const change of await changesIn(region, voices, tuning, breath)) {
      cut.push({ from, to: change });
      from = change;
    }
    cut.push({ from, to: region.to });
  }
  return cut;
}

async function changesIn({ from, to }: Region, voices: VoiceModel, { window, threshold }: ChangeTuning, breath: Breath): Promise<number[]> {
  // Windows are made of short steps, each of which is read once.
  const steps = Array.from({ length: Math.ceil((to - from) / step) }, (_, i) =>
    voices.stretch(span(from + i * step, Math.min(to, from + (i + 1) * step))),
  );
  const reach = window / step;
  const margin = shortest / step;
  const candidates: { readonly frame: number; readonly difference: number }[] = [];
  for (let i = margin; i <= steps.length - margin; i++) {
    const before = voices.joinAll(steps.slice(Math.max(0, i - reach), i));
    const after = voices.joinAll(steps.slice(i, i + reach));
    candidates.push({ frame: from + i * step, difference: voices.difference(before, after) });
    await breath.take();
  }
  const changes: number[] = [];
  const largestFirst = candidates.filter(({ difference }) => difference > threshold).sort((a, b) => b.difference - a.difference);
  for (const { frame } of largestFirst) if (changes.every((other) => Math.abs(other - frame) >= shortest)) changes.push(frame);
  return changes.sort((a, b) => a - b);
}

export function* span(from: number, to: number): Generator<number> {
  for (let frame = from; frame < to; frame++) yield frame;
}
