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
  const candidates: { readonly frame: number; readonly difference: number }[] = [];
  for (let frame = from + shortest; frame <= to - shortest; frame += step) {
    const before = voices.stretch(span(Math.max(from, frame - window), frame));
    const after = voices.stretch(span(frame, Math.min(to, frame + window)));
    candidates.push({ frame, difference: voices.difference(before, after) });
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
