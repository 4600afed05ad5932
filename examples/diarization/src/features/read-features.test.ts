import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readFeatures } from "./read-features.ts";

const sample = (name: string) => readFileSync(new URL(`../../../../packages/http/test/fixtures/samples/${name}`, import.meta.url));
const samples = [
  ["audio/mpeg", sample("id3v3.mp3")],
  ["audio/ogg", sample("vorbis.ogg")],
  ["audio/flac", sample("tone.flac")],
  ["audio/wav", sample("pcm.wav")],
] as const;

async function* of(...parts: readonly (Buffer | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}

/** As Ogg counts it: no reflection, no inversion. */
function checksum(page: Buffer): number {
  let sum = 0;
  for (const byte of page) {
    sum = (sum ^ (byte << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) sum = ((sum << 1) ^ (sum >>> 31 ? 0x04c11db7 : 0)) >>> 0;
  }
  return sum;
}

/** The Vorbis sample with another rate in its first page, whose checksum is right. */
function vorbisOf(rate: number): Buffer {
  const file = Buffer.from(sample("vorbis.ogg"));
  const page = file.subarray(0, file.indexOf("OggS", 4));
  page.writeUInt32LE(rate, page.indexOf("vorbis") + 11);
  page.writeUInt32LE(0, 22);
  page.writeUInt32LE(checksum(page), 22);
  return file;
}

describe("reading a recording", () => {
  it.each(samples)("of %s fails with what its bytes failed with: that may pass", async (type, file) => {
    const gone = Object.assign(new Error("the storage is gone"), { code: "STORAGE_UNAVAILABLE" });
    await expect(readFeatures(of(file.subarray(0, file.length / 2), gone), { type, maxSeconds: 60 })).rejects.toBe(gone);
  });

  it("refuses one that says it has a sample a second, or four milliards", async () => {
    const read = (rate: number) => readFeatures(of(vorbisOf(rate)), { type: "audio/ogg", maxSeconds: 60 });
    const { frames } = await read(44_100);
    expect(frames).toBeGreaterThan(0);
    for (const rate of [1, 4_000_000_000]) await expect(read(rate)).rejects.toMatchObject({ code: "AUDIO_UNREADABLE" });
  });
});
