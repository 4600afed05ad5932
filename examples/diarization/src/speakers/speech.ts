/** Where anybody speaks: louder than the room around it, for long enough, and with some pitch in it. */
import { type Features, framesPerSecond } from "../features/features.ts";

/** Frames [from, to). */
export interface Region {
  readonly from: number;
  readonly to: number;
}

/** Natural logarithms of power: 2.3 are 10 dB. */
const leastAboveFloor = 0.8;
const shareOfRange = 0.3;
const absoluteFloor = -9;
/** Loudness is compared with what lies this far around. */
const surroundingsSeconds = 20;
const shortestPauseSeconds = 0.3;
const shortestSpeechSeconds = 0.2;
/** Speech fades in and out below the threshold. */
const marginSeconds = 0.04;
/** Noises have no pitch; of speech about half does. */
const leastVoiced = 0.08;

const frames = (seconds: number) => Math.round(seconds * framesPerSecond);

export function findSpeech({ loudness, pitch }: Pick<Features, "loudness" | "pitch">): readonly Region[] {
  const smooth = smoothed(loudness, 3);
  const threshold = thresholds(smooth);
  const loud = regionsWhere(smooth.length, (frame) => smooth[frame]! > threshold[frame]!);
  const joined = joinRegions(loud, frames(shortestPauseSeconds));
  const margin = frames(marginSeconds);
  return joined
    .filter(({ from, to }) => to - from >= frames(shortestSpeechSeconds) && voiced(pitch, from, to) >= leastVoiced)
    .map(({ from, to }) => ({ from: Math.max(0, from - margin), to: Math.min(smooth.length, to + margin) }));
}

function voiced(pitch: Float32Array, from: number, to: number): number {
  let count = 0;
  for (let frame = from; frame < to; frame++) if (pitch[frame]! > 0) count += 1;
  return count / (to - from);
}

function smoothed(values: Float32Array, reach: number): Float32Array {
  return values.map((_, i) => {
    let sum = 0;
    const from = Math.max(0, i - reach);
    const to = Math.min(values.length - 1, i + reach);
    for (let k = from; k <= to; k++) sum += values[k]!;
    return sum / (to - from + 1);
  });
}

/** Between the quietest and the loudest of the surroundings; looked at each second. */
function thresholds(loudness: Float32Array): Float32Array {
  const result = new Float32Array(loudness.length);
  const reach = frames(surroundingsSeconds);
  for (let at = 0; at < loudness.length; at += framesPerSecond) {
    const near = loudness.slice(Math.max(0, at - reach), at + reach).sort();
    const quantile = (share: number) => near[Math.floor(share * (near.length - 1))]!;
    const floor = quantile(0.05);
    const value = Math.max(absoluteFloor, floor + Math.max(leastAboveFloor, shareOfRange * (quantile(0.95) - floor)));
    result.fill(value, at, at + framesPerSecond);
  }
  return result;
}

function regionsWhere(length: number, test: (frame: number) => boolean): Region[] {
  const regions: Region[] = [];
  let from: number | null = null;
  for (let frame = 0; frame <= length; frame++) {
    const inside = frame < length && test(frame);
    if (inside) from ??= frame;
    else if (from !== null) {
      regions.push({ from, to: frame });
      from = null;
    }
  }
  return regions;
}

function joinRegions(regions: readonly Region[], gap: number): Region[] {
  const joined: Region[] = [];
  for (const region of regions) {
    const last = joined.at(-1);
    if (last && region.from - last.to < gap) joined[joined.length - 1] = { from: last.from, to: region.to };
    else joined.push(region);
  }
  return joined;
}
