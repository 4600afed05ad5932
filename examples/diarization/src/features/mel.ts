/** Triangular filters on the mel scale, and the cosine transform that turns their logarithms into cepstral coefficients. */

/** HTK's mel: 2595 log10(1 + f / 700). */
export const melOf = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
export const hertzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

export interface MelOptions {
  readonly bands: number;
  readonly sampleRate: number;
  readonly fftSize: number;
  readonly lowHertz: number;
  readonly highHertz: number;
}

export class MelBank {
  /** Of each band, hertz. */
  readonly centres: readonly number[];
  readonly #filters: readonly { readonly firstBin: number; readonly weights: Float64Array }[];

  constructor({ bands, sampleRate, fftSize, lowHertz, highHertz }: MelOptions) {
    const low = melOf(lowHertz);
    const step = (melOf(highHertz) - low) / (bands + 1);
    const edge = (i: number) => (hertzOf(low + i * step) * fftSize) / sampleRate;
    this.centres = Array.from({ length: bands }, (_, i) => hertzOf(low + (i + 1) * step));
    this.#filters = this.centres.map((_, i) => {
      const [from, peak, to] = [edge(i), edge(i + 1), edge(i + 2)];
      const firstBin = Math.ceil(from);
      const weights = Float64Array.from({ length: Math.max(0, Math.floor(to) - firstBin + 1) }, (_, k) => {
        const bin = firstBin + k;
        return Math.max(0, bin <= peak ? (bin - from) / (peak - from) : (to - bin) / (to - peak));
      });
      return { firstBin, weights };
    });
  }

  /** Energies of the bands, written into `energies`. */
  apply(power: Float64Array, energies: Float64Array): void {
    for (let band = 0; band < this.#filters.length; band++) {
      const { firstBin, weights } = this.#filters[band]!;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * power[firstBin + k]!;
      energies[band] = sum;
    }
  }
}

/** The orthonormal DCT of type II. Row k, coefficient k. */
export function cosineTransform(inputs: number, outputs: number): readonly Float64Array[] {
  return Array.from({ length: outputs }, (_, k) => {
    const scale = Math.sqrt((k === 0 ? 1 : 2) / inputs);
    return Float64Array.from({ length: inputs }, (_, n) => scale * Math.cos((Math.PI * k * (n + 0.5)) / inputs));
  });
}
