/**
 * Brings sound to another sample rate while it streams by: a low-pass of windowed sinc, evaluated only where an output sample
 * falls. For a rate ratio of p/q there are p different places between input samples, so p short filters (polyphase).
 */

/** Zero crossings of the sinc on each side: 16 keep aliases about 80 dB down. */
const crossings = 16;

export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #reach: number;
  readonly #filters: readonly Float32Array[];
  #held: Float32Array;
  /** Of the next output sample: whole input samples after the start of `#held`, and its phase in `#up` parts of one. */
  #at: number;
  #phase = 0;

  constructor(from: number, to: number) {
    const shared = greatestCommonDivisor(from, to);
    this.#up = to / shared;
    this.#down = from / shared;
    const cutoff = Math.min(1, to / from) * 0.95;
    this.#reach = Math.ceil(crossings / cutoff);
    this.#filters = Array.from({ length: this.#up }, (_, phase) => filterAt(phase / this.#up, cutoff, this.#reach));
    // Silence before the first sample, so that the first output falls on it.
    this.#held = new Float32Array(this.#reach);
    this.#at = this.#reach;
  }

  push(samples: Float32Array): Float32Array {
    if (this.#up === 1 && this.#down === 1) return samples;
    const input = new Float32Array(this.#held.length + samples.length);
    input.set(this.#held);
    input.set(samples, this.#held.length);
    const output = new Float32Array(Math.ceil(((samples.length + 1) * this.#up) / this.#down) + 1);
    let count = 0;
    while (this.#at + this.#reach < input.length) {
      output[count++] = this.#filtered(input);
      this.#phase += this.#down;
      this.#at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    const drop = Math.max(0, Math.min(input.length, this.#at - this.#reach));
    this.#held = input.slice(drop);
    this.#at -= drop;
    return output.subarray(0, count);
  }

  /** What the filter still holds back. */
  end(): Float32Array {
    return this.#up === 1 && this.#down === 1 ? new Float32Array(0) : this.push(new Float32Array(this.#reach + 1));
  }

  #filtered(input: Float32Array): number {
    const filter = this.#filters[this.#phase]!;
    const first = this.#at - this.#reach;
    let sum = 0;
    for (let k = 0; k < filter.length; k++) sum += filter[k]! * input[first + k]!;
    return sum;
  }
}

/** Taps for an output that lies `fraction` after an input sample, Blackman-windowed, with a gain of one. */
function filterAt(fraction: number, cutoff: number, reach: number): Float32Array {
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => {
    const x = k - reach - fraction;
    const angle = (Math.PI * x) / (reach + 1);
    const window = Math.abs(x) > reach + 1 ? 0 : 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    const t = Math.PI * cutoff * x;
    return window * (t === 0 ? 1 : Math.sin(t) / t);
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return Float32Array.from(taps, (tap) => tap / gain);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
