/** Fast Fourier transform (radix 2, in place), and the power spectrum of a real frame made with it. */

export class Fft {
  readonly size: number;
  readonly #reversed: Uint32Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @param size a power of two */
  constructor(size: number) {
    const bits = Math.log2(size);
    if (!Number.isInteger(bits)) throw new RangeError(`An FFT of ${size} points: expected a power of two.`);
    this.size = size;
    this.#reversed = Uint32Array.from({ length: size }, (_, i) => {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
      return reversed;
    });
    this.#cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
  }

  transform(re: Float64Array, im: Float64Array): void {
    for (let i = 0; i < this.size; i++) {
      const j = this.#reversed[i]!;
      if (j > i) {
        [re[i], re[j]] = [re[j]!, re[i]!];
        [im[i], im[j]] = [im[j]!, im[i]!];
      }
    }
    for (let half = 1; half < this.size; half *= 2) this.#butterflies(re, im, half);
  }

  #butterflies(re: Float64Array, im: Float64Array, half: number): void {
    const stride = this.size / (2 * half);
    for (let start = 0; start < this.size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const cos = this.#cos[k * stride]!;
        const sin = this.#sin[k * stride]!;
        const a = start + k;
        const b = a + half;
        const x = re[b]! * cos - im[b]! * sin;
        const y = re[b]! * sin + im[b]! * cos;
        re[b] = re[a]! - x;
        im[b] = im[a]! - y;
        re[a] = re[a]! + x;
        im[a] = im[a]! + y;
      }
    }
  }

  /** |X|² of bins 0 to size/2; a frame shorter than `size` is padded with zeros. Written into `power`. */
  powerSpectrum(frame: Float32Array | Float64Array, power: Float64Array): void {
    this.#re.fill(0);
    this.#im.fill(0);
    this.#re.set(frame);
    this.transform(this.#re, this.#im);
    for (let k = 0; k <= this.size / 2; k++) power[k] = this.#re[k]! ** 2 + this.#im[k]! ** 2;
  }
}
