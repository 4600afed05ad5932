import { describe, expect, it } from "vitest";
import { Fft } from "./fft.ts";

/** By the definition. */
function slowTransform(re: Float64Array, im: Float64Array): { readonly re: number[]; readonly im: number[] } {
  const out = { re: [] as number[], im: [] as number[] };
  for (let k = 0; k < re.length; k++) {
    let [sumRe, sumIm] = [0, 0];
    for (let n = 0; n < re.length; n++) {
      const angle = (-2 * Math.PI * k * n) / re.length;
      sumRe += re[n]! * Math.cos(angle) - im[n]! * Math.sin(angle);
      sumIm += re[n]! * Math.sin(angle) + im[n]! * Math.cos(angle);
    }
    out.re.push(sumRe);
    out.im.push(sumIm);
  }
  return out;
}

describe("the Fourier transform", () => {
  it.each([2, 8, 64])("of %i points is what the definition says", (size) => {
    const re = Float64Array.from({ length: size }, (_, i) => Math.sin(i * i));
    const im = Float64Array.from({ length: size }, (_, i) => Math.cos(3 * i) / (i + 1));
    const expected = slowTransform(re, im);
    new Fft(size).transform(re, im);
    for (let k = 0; k < size; k++) {
      expect(re[k]).toBeCloseTo(expected.re[k]!, 9);
      expect(im[k]).toBeCloseTo(expected.im[k]!, 9);
    }
  });

  it("puts all power of a tone into its bin", () => {
    const frame = Float64Array.from({ length: 64 }, (_, i) => Math.cos((2 * Math.PI * 5 * i) / 64));
    const power = new Float64Array(33);
    new Fft(64).powerSpectrum(frame, power);
    expect(power[5]).toBeCloseTo(32 ** 2, 6);
    expect(power.reduce((sum, value) => sum + value, 0)).toBeCloseTo(32 ** 2, 6);
  });

  it("is refused for a size that is no power of two", () => {
    expect(() => new Fft(100)).toThrow("power of two");
  });
});
