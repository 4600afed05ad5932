/** Reads RIFF/WAVE as it streams by (PCM of 8, 16, 24 and 32 bits, floats of 32), and writes the 16-bit form. */
import { AudioError } from "./audio-error.ts";

/** One stretch of sound: a channel each, all as long as the first. Samples are -1 to 1. */
export interface AudioBlock {
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}

interface WavFormat {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

const pcm = 1;
const float = 3;
/** The largest there is has 40 bytes; what claims more would be held whole. */
const mostFormatBytes = 1024;
/** The real code stands in the first two bytes of the sub-format. */
const extensible = 0xfffe;

/** @throws {AudioError} AUDIO_UNREADABLE when the header is none, or of a form that is not read here. */
export async function* readWav(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<AudioBlock> {
  let held: Buffer = Buffer.alloc(0);
  let format: WavFormat | undefined;
  /** Bytes of the chunk `data` that are still to come; null: we stand before a chunk's header. */
  let ofData: number | null = null;
  let toSkip = 12;
  let begun = false;
  for await (const piece of bytes) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece]);
    for (;;) {
      if (toSkip > 0) {
        const skipped = Math.min(toSkip, held.length);
        held = held.subarray(skipped);
        toSkip -= skipped;
        if (toSkip > 0) break;
      }
      if (ofData !== null && format) {
        const frame = (format.channels * format.bits) / 8;
        const whole = Math.floor(Math.min(held.length, ofData) / frame) * frame;
        if (whole > 0) yield readSamples(held.subarray(0, whole), format);
        held = held.subarray(whole);
        ofData -= whole;
        if (ofData >= frame) break;
        ofData = null;
        continue;
      }
      if (held.length < 8) break;
      const name = held.toString("latin1", 0, 4);
      const size = held.readUInt32LE(4);
      if (name === "fmt ") {
        if (size > mostFormatBytes) throw new AudioError("AUDIO_UNREADABLE", "The WAV file's format is none.");
        if (held.length < 8 + size) break;
        format = readFormat(held.subarray(8, 8 + size));
      }
      if (name === "data") {
        if (!format) throw new AudioError("AUDIO_UNREADABLE", "The WAV file has samples before it says of what form they are.");
        begun = true;
        // What writes to a pipe cannot know the size, and says 0 or all ones.
        ofData = size === 0 || size === 0xffffffff ? Number.POSITIVE_INFINITY : size;
        held = held.subarray(8);
      } else toSkip = 8 + size + (size % 2);
    }
  }
  if (!begun) throw new AudioError("AUDIO_UNREADABLE", "The WAV file ends before its samples begin.");
}

function readFormat(bytes: Buffer): WavFormat {
  if (bytes.length < 16) throw new AudioError("AUDIO_UNREADABLE", "The WAV file's format is cut off.");
  const code = bytes.readUInt16LE(0);
  const format = {
    code: code === extensible && bytes.length >= 26 ? bytes.readUInt16LE(24) : code,
    channels: bytes.readUInt16LE(2),
    sampleRate: bytes.readUInt32LE(4),
    bits: bytes.readUInt16LE(14),
  };
  const known = format.code === pcm ? [8, 16, 24, 32].includes(format.bits) : format.code === float && format.bits === 32;
  const sane = format.channels >= 1 && format.channels <= 32;
  if (known && sane) return format;
  const { code: coding, channels, sampleRate, bits } = format;
  throw new AudioError(
    "AUDIO_UNREADABLE",
    `The WAV file holds coding ${coding} with ${channels} channels of ${bits} bits at ${sampleRate} Hz; PCM and floats are read.`,
  );
}

function readSamples(bytes: Buffer, { code, channels: count, bits, sampleRate }: WavFormat): AudioBlock {
  const width = bits / 8;
  const frames = bytes.length / (width * count);
  const channels = Array.from({ length: count }, () => new Float32Array(frames));
  const sampleAt = code === float ? (at: number) => bytes.readFloatLE(at) : pcmReader(bytes, width);
  for (let frame = 0, at = 0; frame < frames; frame++) {
    for (const channel of channels) {
      channel[frame] = sampleAt(at);
      at += width;
    }
  }
  return { sampleRate, channels };
}

function pcmReader(bytes: Buffer, width: number): (at: number) => number {
  // Eight bits are unsigned, all others signed.
  if (width === 1) return (at) => (bytes.readUInt8(at) - 128) / 128;
  const scale = 2 ** (8 * width - 1);
  return (at) => bytes.readIntLE(at, width) / scale;
}

/** A whole file of one channel, 16 bits. */
export function writeWav(samples: Float32Array, sampleRate: number): Buffer {
  const file = Buffer.alloc(44 + 2 * samples.length);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + 2 * samples.length, 4);
  file.write("WAVEfmt ", 8, "latin1");
  for (const [at, value] of [
    [20, pcm],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    file.writeUInt16LE(value, at);
  file.writeUInt32LE(16, 16);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(2 * sampleRate, 28);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(2 * samples.length, 40);
  for (const [i, sample] of samples.entries()) file.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), 44 + 2 * i);
  return file;
}
