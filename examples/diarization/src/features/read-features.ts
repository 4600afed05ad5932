/** From a recording's bytes to its features, in a stream. */
import { AudioError } from "../audio/audio-error.ts";
import { decodeAudio } from "../audio/decode.ts";
import { Resampler } from "../audio/resample.ts";
import { FeatureExtractor, type Features, sampleRate } from "./features.ts";

export interface ReadFeaturesOptions {
  readonly type: string;
  readonly maxSeconds: number;
  readonly signal?: AbortSignal;
  /** Seconds of the recording that were read. */
  readonly onSeconds?: (seconds: number) => void;
}

/** Whatever else a file's header says is a lie, and resampling it would take all memory there is. */
const lowestRate = 4000;
const highestRate = 384_000;

/** @throws {AudioError} when the recording cannot be decoded, or is longer than `maxSeconds`. What `signal` aborts with. */
export async function readFeatures(bytes: AsyncIterable<Uint8Array>, options: ReadFeaturesOptions): Promise<Features> {
  const extractor = new FeatureExtractor();
  let resampler: Resampler | undefined;
  let rate = 0;
  for await (const block of decodeAudio(bytes, options.type)) {
    options.signal?.throwIfAborted();
    if (block.sampleRate !== rate) {
      rate = block.sampleRate;
      if (!(rate >= lowestRate && rate <= highestRate))
        throw new AudioError("AUDIO_UNREADABLE", `The recording says that it has ${rate} samples a second.`);
      resampler = new Resampler(rate, sampleRate);
    }
    extractor.push(resampler!.push(mixDown(block.channels)));
    if (extractor.seconds > options.maxSeconds)
      throw new AudioError("AUDIO_TOO_LONG", `The recording is longer than ${Math.round(options.maxSeconds / 60)} minutes.`);
    options.onSeconds?.(extractor.seconds);
    // Decoders answer at once: without this nothing else of the process would get a turn.
    await new Promise(setImmediate);
  }
  if (resampler) extractor.push(resampler.end());
  return extractor.end();
}

function mixDown(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels;
  if (!first || others.length === 0) return first ?? new Float32Array(0);
  const mixed = Float32Array.from(first);
  for (const channel of others) for (let i = 0; i < mixed.length; i++) mixed[i] = mixed[i]! + channel[i]!;
  for (let i = 0; i < mixed.length; i++) mixed[i] = mixed[i]! / channels.length;
  return mixed;
}
