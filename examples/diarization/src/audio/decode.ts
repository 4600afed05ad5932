/**
 * From a stream of bytes to blocks of sound, format by format. Nothing is held but what one piece decodes to, so the length of
 * a recording costs time and no memory. The decoders are WebAssembly: no native code, no process beside.
 */
import { FLACDecoder } from "@wasm-audio-decoders/flac";
import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import { MPEGDecoder } from "mpg123-decoder";
import { AudioError } from "./audio-error.ts";
import { type AudioBlock, readWav } from "./wav.ts";

/** Content types that are decoded, as the job service tells them from a file's first bytes. */
export const audioTypes = ["audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"] as const;
export type AudioType = (typeof audioTypes)[number];

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

interface Decoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush?(): Promise<Decoded>;
  free(): void;
}

const decoders: Readonly<Record<Exclude<AudioType, "audio/wav">, () => Decoder>> = {
  "audio/mpeg": () => new MPEGDecoder(),
  "audio/ogg": () => new OggVorbisDecoder(),
  "audio/flac": () => new FLACDecoder(),
};

/** Damaged frames are left out; a file of which most is damaged is refused. */
const mostErrors = 50;
/** A decoder works on so much at once: some seconds of sound. */
const pieceBytes = 32 * 1024;

/** @throws {AudioError} AUDIO_UNREADABLE when the bytes are not what their type says; AUDIO_FORMAT_UNKNOWN for another type. */
export async function* decodeAudio(bytes: AsyncIterable<Uint8Array>, type: string): AsyncGenerator<AudioBlock> {
  if (type === "audio/wav") return yield* readWav(bytes);
  if (!Object.hasOwn(decoders, type)) throw new AudioError("AUDIO_FORMAT_UNKNOWN", `${type} is not decoded: ${audioTypes.join(", ")} are.`);
  const decoder = decoders[type as keyof typeof decoders]();
  try {
    await decoder.ready;
    yield* decodeWith(decoder, bytes, type);
  } finally {
    decoder.free();
  }
}

async function* decodeWith(decoder: Decoder, bytes: AsyncIterable<Uint8Array>, type: string): AsyncGenerator<AudioBlock> {
  let samples = 0;
  let errors = 0;
  /** Only what the decoder throws says something about the file: its bytes may fail to come for other reasons, which may pass. */
  async function* blocksOf(decode: () => Decoded | Promise<Decoded>): AsyncGenerator<AudioBlock> {
    let decoded: Decoded;
    try {
      decoded = await decode();
    } catch (cause) {
      throw new AudioError("AUDIO_UNREADABLE", `The ${type} file cannot be decoded.`, { cause });
    }
    errors += decoded.errors.length;
    const length = decoded.channelData[0]?.length ?? 0;
    samples += length;
    if (length > 0) yield { sampleRate: decoded.sampleRate, channels: decoded.channelData };
    if (errors > mostErrors)
      throw new AudioError("AUDIO_UNREADABLE", `The ${type} file is damaged: ${errors} parts of it cannot be decoded.`);
  }
  for await (const piece of bytes)
    for (let at = 0; at < piece.length; at += pieceBytes) yield* blocksOf(() => decoder.decode(piece.subarray(at, at + pieceBytes)));
  yield* blocksOf(() => decoder.flush?.() ?? { channelData: [], sampleRate: 0, errors: [] });
  if (samples === 0) throw new AudioError("AUDIO_UNREADABLE", `The ${type} file holds no sound that can be decoded.`);
}
