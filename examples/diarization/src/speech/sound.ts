/** What voices say, as samples at one rate. */
import { Readable } from "node:stream";
import { Resampler } from "../audio/resample.ts";
import { readWav } from "../audio/wav.ts";

/** espeak-ng's. */
export const voiceRate = 22_050;

/** The first channel of a WAV file without the silence at its ends. */
export async function readSound(file: Uint8Array): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let resampler: Resampler | undefined;
  for await (const { sampleRate, channels } of readWav(Readable.from([file]))) {
    resampler ??= new Resampler(sampleRate, voiceRate);
    parts.push(resampler.push(channels[0]!).slice());
  }
  if (resampler) parts.push(resampler.end());
  return trimmed(joined(parts));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function trimmed(samples: Float32Array): Float32Array {
  const loud = (sample: number) => Math.abs(sample) > 0.01;
  return samples.slice(samples.findIndex(loud), samples.findLastIndex(loud) + 1);
}

export interface Span {
  /** Seconds. */
  readonly from: number;
  readonly to: number;
}

/** Where it sounds, parted by silences of at least `pause` seconds. */
export function soundingSpans(samples: Float32Array, pause: number): readonly Span[] {
  const step = Math.round(voiceRate / 50);
  const spans: Span[] = [];
  const quiet = 0.02 * samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  for (let at = 0; at < samples.length; at += step) {
    if (!samples.subarray(at, at + step).some((sample) => Math.abs(sample) > quiet)) continue;
    const [from, to] = [at / voiceRate, Math.min(samples.length, at + step) / voiceRate];
    const last = spans.at(-1);
    if (last && from - last.to < pause) spans[spans.length - 1] = { from: last.from, to };
    else spans.push({ from, to });
  }
  return spans;
}
