/** A mixture of Gaussians with diagonal covariances: how one speaker sounds, from many frames of theirs. */

const rounds = 6;

export class Mixture {
  readonly #dimensions: number;
  #means: Float64Array;
  #variances: Float64Array;
  /** Per component: log weight and the constants of its density. */
  #constants: Float64Array;

  /** @param frames numbers of the frames in `data` that it is fitted to; there is at least one */
  constructor(data: Float32Array, dimensions: number, frames: readonly number[], components: number) {
    this.#dimensions = dimensions;
    const all = Float64Array.from({ length: frames.length }, () => 1);
    this.#means = new Float64Array(0);
    this.#variances = new Float64Array(0);
    this.#constants = new Float64Array(0);
    this.#fit(data, frames, [all]);
    // Each round of splitting moves the two halves of every component apart.
    for (let size = 1; size < components && frames.length > 40 * size; size *= 2) {
      this.#split();
      for (let round = 0; round < rounds; round++) this.#fit(data, frames, this.#shares(data, frames));
    }
  }

  /** Log-likelihood of one frame. */
  score(data: Float32Array, frame: number): number {
    let most = Number.NEGATIVE_INFINITY;
    let sum = 0;
    for (let c = 0; c < this.#constants.length; c++) {
      const value = this.#component(data, frame, c);
      if (value > most) {
        sum = sum * Math.exp(most - value) + 1;
        most = value;
      } else sum += Math.exp(value - most);
    }
    return most + Math.log(sum);
  }

  #component(data: Float32Array, frame: number, component: number): number {
    const from = component * this.#dimensions;
    const at = frame * this.#dimensions;
    let distance = 0;
    for (let d = 0; d < this.#dimensions; d++) {
      const off = data[at + d]! - this.#means[from + d]!;
      distance += (off * off) / this.#variances[from + d]!;
    }
    return this.#constants[component]! - 0.5 * distance;
  }

  #shares(data: Float32Array, frames: readonly number[]): readonly Float64Array[] {
    const shares = Array.from(this.#constants, () => new Float64Array(frames.length));
    for (const [i, frame] of frames.entries()) {
      const total = this.score(data, frame);
      for (const [c, share] of shares.entries()) share[i] = Math.exp(this.#component(data, frame, c) - total);
    }
    return shares;
  }

  #fit(data: Float32Array, frames: readonly number[], shares: readonly Float64Array[]): void {
    const dimensions = this.#dimensions;
    const size = shares.length;
    const means = new Float64Array(size * dimensions);
    const squares = new Float64Array(size * dimensions);
    const constants = new Float64Array(size);
    for (let c = 0; c < size; c++) {
      const share = shares[c]!;
      let weight = 1e-6;
      for (const [i, frame] of frames.entries()) {
        const part = share[i]!;
        weight += part;
        for (let d = 0; d < dimensions; d++) {
          const value = data[frame * dimensions + d]!;
          means[c * dimensions + d]! += part * value;
          squares[c * dimensions + d]! += part * value * value;
        }
      }
      let logVariances = 0;
      for (let k = c * dimensions; k < (c + 1) * dimensions; k++) {
        means[k]! /= weight;
        squares[k] = Math.max(0.05, squares[k]! / weight - means[k]! ** 2);
        logVariances += Math.log(squares[k]!);
      }
      constants[c] = Math.log(weight / frames.length) - 0.5 * (dimensions * Math.log(2 * Math.PI) + logVariances);
    }
    this.#means = means;
    this.#variances = squares;
    this.#constants = constants;
  }

  #split(): void {
    const moved = (sign: number) => this.#means.map((mean, k) => mean + sign * 0.3 * Math.sqrt(this.#variances[k]!));
    const twice = (values: Float64Array) => Float64Array.from([...values, ...values]);
    this.#means = Float64Array.from([...moved(1), ...moved(-1)]);
    this.#variances = twice(this.#variances);
    this.#constants = twice(this.#constants.map((constant) => constant - Math.LN2));
  }
}
