import { describe, expect, it } from "vitest";
import { cosineTransform, hertzOf, MelBank, melOf } from "./mel.ts";

describe("the mel scale", () => {
  it("has 1000 mel at 1000 Hz, 2840 at 8000 Hz, and back", () => {
    expect(melOf(0)).toBe(0);
    expect(melOf(1000)).toBeCloseTo(1000, 0);
    expect(melOf(8000)).toBeCloseTo(2840.02, 1);
    for (const hertz of [60, 440, 3000, 7600]) expect(hertzOf(melOf(hertz))).toBeCloseTo(hertz, 6);
  });
});

describe("the mel bank", () => {
  const bank = new MelBank({ bands: 30, sampleRate: 16_000, fftSize: 512, lowHertz: 60, highHertz: 7600 });

  it("has centres at equal distances in mel", () => {
    const mels = bank.centres.map(melOf);
    for (let i = 2; i < mels.length; i++) expect(mels[i]! - mels[i - 1]!).toBeCloseTo(mels[1]! - mels[0]!, 6);
    expect(mels[0]! - melOf(60)).toBeCloseTo(mels[1]! - mels[0]!, 6);
    expect(melOf(7600) - mels[29]!).toBeCloseTo(mels[1]! - mels[0]!, 6);
  });

  it("hears a tone in the two bands around it, with weights that add up to one", () => {
    for (const bin of [40, 100, 200]) {
      const power = new Float64Array(257);
      power[bin] = 1;
      const energies = new Float64Array(30);
      bank.apply(power, energies);
      expect(energies.filter((energy) => energy > 0)).toHaveLength(2);
      expect(energies.reduce((sum, energy) => sum + energy, 0)).toBeCloseTo(1, 9);
      const nearest = bank.centres.reduce((best, centre) =>
        Math.abs(centre - bin * 31.25) < Math.abs(best - bin * 31.25) ? centre : best,
      );
      expect(energies.indexOf(Math.max(...energies))).toBeCloseTo(bank.centres.indexOf(nearest), -1);
    }
  });
});

describe("the cosine transform", () => {
  it("is orthonormal", () => {
    const rows = cosineTransform(12, 12);
    for (const [i, a] of rows.entries())
      for (const [j, b] of rows.entries()) expect(a.reduce((sum, value, k) => sum + value * b[k]!, 0)).toBeCloseTo(i === j ? 1 : 0, 12);
  });

  it("gives the known values of a ramp", () => {
    const [first, second, third] = cosineTransform(4, 4).map((row) => row.reduce((sum, value, n) => sum + value * (n + 1), 0));
    // By hand: 10/2, and √½ · Σ (n+1) cos(π (2n+1)/8).
    expect(first).toBeCloseTo(5, 12);
    expect(second).toBeCloseTo(-2.230442497387663, 12);
    expect(third).toBeCloseTo(0, 12);
  });
});
