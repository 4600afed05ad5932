/**
 * With a model of each speaker the boundaries are drawn anew: the path of speakers over all frames of speech that explains them
 * best, where each change of speaker costs something (Viterbi). In a pause a change costs less.
 */
import { cepstra, type Features } from "../features/features.ts";
import type { Breath } from "./breath.ts";
import { Mixture } from "./mixture.ts";
import type { Region } from "./speech.ts";

export interface PathTuning {
  readonly components: number;
  /** Cost of a change of speaker, in units of a frame's log-likelihood. */
  readonly changeCost: number;
  readonly changeCostInPause: number;
  /** Weight of a frame's pitch beside its cepstrum. */
  readonly pitchWeight: number;
}

/** Models learn from at most so many frames, evenly taken: more of the same voice say nothing new. */
const mostFrames = 6000;

/** @param speakers of each frame of speech, in order. @returns the same, drawn anew. */
export async function resegment(
  features: Features,
  regions: readonly Region[],
  speakers: Int16Array,
  tuning: PathTuning,
  breath: Breath,
): Promise<Int16Array> {
  const frames = regions.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
  const count = speakers.reduce((most, speaker) => Math.max(most, speaker), 0) + 1;
  const scores: Float32Array[] = [];
  for (let speaker = 0; speaker < count; speaker++) {
    const own = frames.filter((_, i) => speakers[i] === speaker);
    scores.push(own.length === 0 ? new Float32Array(frames.length).fill(-1e6) : await scoresOf(features, frames, own, tuning, breath));
  }
  const changeCosts = costsOf(regions, tuning);
  return bestPath(scores, changeCosts);
}

async function scoresOf(
  features: Features,
  frames: readonly number[],
  own: readonly number[],
  tuning: PathTuning,
  breath: Breath,
): Promise<Float32Array> {
  const stride = Math.ceil(own.length / mostFrames);
  const taken = own.filter((_, i) => i % stride === 0);
  const mixture = new Mixture(features.cepstrum, cepstra, taken, tuning.components);
  const pitch = pitchScore(features.pitch, taken);
  const scores = new Float32Array(frames.length);
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i]!;
    scores[i] = mixture.score(features.cepstrum, frame) + tuning.pitchWeight * pitch(features.pitch[frame]!);
    if (i % 256 === 0) await breath.take();
  }
  return scores;
}

/** Log-density of a frame's pitch, as one Gaussian over its logarithm; nothing for frames without. */
function pitchScore(pitch: Float32Array, frames: readonly number[]): (hertz: number) => number {
  const logs = frames.filter((frame) => pitch[frame]! > 0).map((frame) => Math.log(pitch[frame]!));
  if (logs.length < 10) return () => 0;
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const variance = 0.05 ** 2 + logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length;
  // One who laughs or is misheard by an octave must not be cast out for a single frame.
  return (hertz) => (hertz > 0 ? Math.max(-4, -0.5 * ((Math.log(hertz) - mean) ** 2 / variance + Math.log(variance))) : 0);
}

function costsOf(regions: readonly Region[], tuning: PathTuning): Float32Array {
  return Float32Array.from(
    regions.flatMap(({ from, to }) =>
      Array.from({ length: to - from }, (_, i) => (i === 0 ? tuning.changeCostInPause : tuning.changeCost)),
    ),
  );
}

function bestPath(scores: readonly Float32Array[], changeCosts: Float32Array): Int16Array {
  const length = changeCosts.length;
  const cameFrom = scores.map(() => new Int16Array(length));
  let best = scores.map(() => 0);
  for (let i = 0; i < length; i++) {
    const leader = best.indexOf(Math.max(...best));
    const changed = best[leader]! - changeCosts[i]!;
    best = best.map((stayed, speaker) => {
      const change = i > 0 && changed > stayed;
      cameFrom[speaker]![i] = change ? leader : speaker;
      return (change ? changed : stayed) + scores[speaker]![i]!;
    });
  }
  const path = new Int16Array(length);
  let speaker = best.indexOf(Math.max(...best));
  for (let i = length - 1; i >= 0; i--) {
    path[i] = speaker;
    speaker = cameFrom[speaker]![i]!;
  }
  return path;
}
