/**
 * A Gaussian with full covariance as its sufficient statistics: count, sum and sum of products. Statistics of two stretches
 * add up to those of both, so a stretch is read once and then joined and compared without its frames.
 */

export class Gaussian {
  readonly dimensions: number;
  readonly sum: Float64Array;
  /** Lower triangle, row by row. */
  readonly products: Float64Array;
  count = 0;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.sum = new Float64Array(dimensions);
    this.products = new Float64Array((dimensions * (dimensions + 1)) / 2);
  }

  /** Takes in frame `index` of `frames`. */
  add(frames: Float32Array, index: number): void {
    const at = index * this.dimensions;
    this.count += 1;
    for (let i = 0, k = 0; i < this.dimensions; i++) {
      const value = frames[at + i]!;
      this.sum[i] = this.sum[i]! + value;
      for (let j = 0; j <= i; j++, k++) this.products[k] = this.products[k]! + value * frames[at + j]!;
    }
  }

  /** @param parts one at least */
  static sumOf(parts: readonly Gaussian[]): Gaussian {
    const whole = new Gaussian(parts[0]!.dimensions);
    for (const { count, sum, products } of parts) {
      whole.count += count;
      for (let i = 0; i < sum.length; i++) whole.sum[i]! += sum[i]!;
      for (let k = 0; k < products.length; k++) whole.products[k]! += products[k]!;
    }
    return whole;
  }

  /** Lower triangle of the covariance, drawn towards `prior` as if `weight` of its frames had been seen too. */
  covariance(prior: Float64Array | null, weight: number): Float64Array {
    const covariance = new Float64Array(this.products.length);
    const seen = this.count + (prior === null ? 0 : weight);
    for (let i = 0, k = 0; i < this.dimensions; i++) {
      for (let j = 0; j <= i; j++, k++) {
        const scatter = this.products[k]! - (this.sum[i]! * this.sum[j]!) / this.count;
        covariance[k] = (scatter + (prior === null ? 0 : weight * prior[k]!)) / seen;
      }
    }
    return covariance;
  }
}

/** Logarithm of the determinant of a positive definite matrix, by Cholesky. Variances that vanish are held at a millionth. */
export function logDeterminant(lower: Float64Array, dimensions: number): number {
  const root = Float64Array.from(lower);
  let sum = 0;
  for (let i = 0, row = 0; i < dimensions; row += ++i) {
    for (let j = 0, other = 0; j <= i; other += ++j) {
      let value = root[row + j]!;
      for (let k = 0; k < j; k++) value -= root[row + k]! * root[other + k]!;
      if (i === j) {
        const pivot = Math.max(value, 1e-6);
        root[row + i] = Math.sqrt(pivot);
        sum += Math.log(pivot);
      } else root[row + j] = value / root[other + j]!;
    }
  }
  return sum;
}
