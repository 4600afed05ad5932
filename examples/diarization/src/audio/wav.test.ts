import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type AudioBlock, readWav, writeWav } from "./wav.ts";

async function read(file: Buffer, piece = file.length): Promise<AudioBlock[]> {
  const pieces = Array.from({ length: Math.ceil(file.length / piece) }, (_, i) => file.subarray(i * piece, (i + 1) * piece));
  const blocks: AudioBlock[] = [];
  for await (const block of readWav(Readable.from(pieces))) blocks.push(block);
  return blocks;
}

const joined = (blocks: readonly AudioBlock[], channel = 0) => blocks.flatMap((block) => [...block.channels[channel]!]);

/** A file of two channels in any coding. */
function file(code: number, bits: number, data: Buffer, { size = data.length, between = Buffer.alloc(0) } = {}): Buffer {
  const head = Buffer.alloc(36);
  head.write("RIFF\0\0\0\0WAVEfmt ", 0, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(code, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt16LE(bits, 34);
  const chunk = Buffer.alloc(8);
  chunk.write("data", 0, "latin1");
  chunk.writeUInt32LE(size, 4);
  return Buffer.concat([head, between, chunk, data]);
}

describe("WAV", () => {
  it("reads what it wrote, in pieces of any size", async () => {
    const samples = Float32Array.from([0, 0.5, -0.5, 1, -1, 0.25, 0]);
    for (const piece of [1, 3, 44, 1000]) {
      const blocks = await read(writeWav(samples, 22_050), piece);
      expect(blocks[0]?.sampleRate).toBe(22_050);
      for (const [i, value] of joined(blocks).entries()) expect(value).toBeCloseTo(samples[i]!, 4);
      expect(joined(blocks)).toHaveLength(samples.length);
    }
  });

  it.each([
    [8, Buffer.from([128, 0, 192, 255])],
    [16, Buffer.from([0, 0, 0, 0x80, 0, 0x40, 0xff, 0x7f])],
    [24, Buffer.from([0, 0, 0, 0, 0, 0x80, 0, 0, 0x40, 0xff, 0xff, 0x7f])],
  ])("reads two channels of %i bits", async (bits, data) => {
    const blocks = await read(file(1, bits, data));
    expect(joined(blocks, 0)).toEqual([0, 0.5]);
    expect(joined(blocks, 1)[0]).toBe(-1);
    expect(joined(blocks, 1)[1]).toBeCloseTo(1, 1);
  });

  it("reads floats", async () => {
    const data = Buffer.alloc(16);
    for (const [i, value] of [0.5, -0.25, 1, 0].entries()) data.writeFloatLE(value, 4 * i);
    expect(joined(await read(file(3, 32, data)), 1)).toEqual([-0.25, 0]);
  });

  it("steps over chunks it does not know, and reads to the end where the size is not known", async () => {
    const between = Buffer.from("LIST\x03\0\0\0abc\0", "latin1");
    const blocks = await read(file(1, 16, Buffer.from([0, 0x40, 0, 0x20]), { between, size: 0xffffffff }), 5);
    expect([joined(blocks, 0), joined(blocks, 1)]).toEqual([[0.5], [0.25]]);
  });

  it("refuses codings that it does not read, and what ends before the samples", async () => {
    await expect(read(file(2, 4, Buffer.alloc(8)))).rejects.toMatchObject({
      code: "AUDIO_UNREADABLE",
      message: expect.stringContaining("coding 2"),
    });
    for (const cut of [30, 36]) {
      await expect(read(writeWav(new Float32Array(10), 8000).subarray(0, cut))).rejects.toMatchObject({ code: "AUDIO_UNREADABLE" });
    }
  });

  it("holds nothing of a format that claims to be as large as the file", async () => {
    const lying = writeWav(new Float32Array(100_000), 8000);
    lying.writeUInt32LE(lying.length, 16);
    let taken = 0;
    async function* pieces() {
      for (; taken < lying.length; taken += 1000) yield lying.subarray(taken, taken + 1000);
    }
    await expect(readWav(pieces()).next()).rejects.toMatchObject({ code: "AUDIO_UNREADABLE" });
    expect(taken).toBe(0);
  });
});
