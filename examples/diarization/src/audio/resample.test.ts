import { describe, expect, it } from "vitest";
import { Resampler } from "./resample.ts";

const tone = (hertz: number, rate: number, seconds: number) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));

function resampled(samples: Float32Array, from: number, to: number, piece: number): Float32Array {
  const resampler = new Resampler(from, to);
  const parts: Float32Array[] = [];
  for (let at = 0; at < samples.length; at += piece) parts.push(resampler.push(samples.subarray(at, at + piece)));
  parts.push(resampler.end());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

describe("resampling", () => {
  it.each([8000, 22_050, 44_100, 48_000])("from %i Hz keeps a tone and its place in time", (rate) => {
    const found = resampled(tone(1000, rate, 0.25), rate, 16_000, 1000);
    expect(Math.abs(found.length - 4000)).toBeLessThanOrEqual(2);
    const expected = tone(1000, 16_000, 0.25);
    // Not at the ends, where the tone begins out of silence.
    for (let i = 200; i < 3800; i++) expect(found[i]).toBeCloseTo(expected[i]!, 2);
  });

  it("lets through nothing above half of the new rate", () => {
    const found = resampled(tone(11_000, 44_100, 0.25), 44_100, 16_000, 512);
    expect(Math.max(...found.subarray(200, 3800).map(Math.abs))).toBeLessThan(0.001);
  });

  it("gives the same however the sound is cut into pieces", () => {
    const samples = tone(440, 44_100, 0.1);
    expect(resampled(samples, 44_100, 16_000, 7)).toEqual(resampled(samples, 44_100, 16_000, 4410));
  });
});
