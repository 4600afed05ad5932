/**
 * Exact Euclidean distances on a grid whose voxels need not be cubes: one pass per axis, each the lower envelope of
 * parabolas (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012). Linear in the voxels.
 */
import { type Grid, voxelsOf } from "../volume/volume.ts";

export interface DistanceField {
  /** mm² to the nearest feature; Infinity where there is none at all. */
  readonly squared: Float32Array;
  /** Index of that feature. */
  readonly nearest: Int32Array;
}

/** From every voxel to the nearest one whose value in `features` is not 0. */
export function distanceTo(features: Uint8Array, grid: Pick<Grid, "size" | "spacing">): DistanceField {
  const { size, spacing } = grid;
  const squared = new Float32Array(voxelsOf(grid));
  const nearest = new Int32Array(squared.length);
  for (let i = 0; i < squared.length; i++) {
    squared[i] = features[i] ? 0 : Number.POSITIVE_INFINITY;
    nearest[i] = i;
  }
  const line = new Envelope(Math.max(...size));
  const strides = [1, size[0], size[0] * size[1]] as const;
  for (const axis of [0, 1, 2] as const) {
    const [one, other] = ([0, 1, 2] as const).filter((each) => each !== axis) as [0 | 1 | 2, 0 | 1 | 2];
    for (let b = 0; b < size[other]; b++)
      for (let a = 0; a < size[one]; a++) {
        line.pass(squared, nearest, a * strides[one] + b * strides[other], strides[axis], size[axis], spacing[axis]);
      }
  }
  return { squared, nearest };
}

/** Scratch space for one line of voxels. */
class Envelope {
  readonly #value: Float64Array;
  readonly #feature: Int32Array;
  /** Which parabolas make the envelope, and from where on each does. */
  readonly #parabola: Int32Array;
  readonly #from: Float64Array;

  constructor(longest: number) {
    this.#value = new Float64Array(longest);
    this.#feature = new Int32Array(longest);
    this.#parabola = new Int32Array(longest);
    this.#from = new Float64Array(longest + 1);
  }

  pass(squared: Float32Array, nearest: Int32Array, start: number, stride: number, count: number, step: number): void {
    const [value, feature, parabola, from] = [this.#value, this.#feature, this.#parabola, this.#from];
    let last = -1;
    for (let q = 0, at = start; q < count; q++, at += stride) {
      const height = squared[at] as number;
      value[q] = height;
      feature[q] = nearest[at] as number;
      if (height === Number.POSITIVE_INFINITY) continue;
      const top = height + (q * step) ** 2;
      let meets = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const p = parabola[last] as number;
        meets = (top - (value[p] as number) - (p * step) ** 2) / (2 * step * (q - p));
        if (meets > (from[last] as number)) break;
        last -= 1;
      }
      last += 1;
      parabola[last] = q;
      from[last] = last === 0 ? Number.NEGATIVE_INFINITY : meets;
    }
    if (last < 0) return;
    from[last + 1] = Number.POSITIVE_INFINITY;
    for (let q = 0, k = 0, at = start; q < count; q++, at += stride) {
      while ((from[k + 1] as number) < q * step) k += 1;
      const p = parabola[k] as number;
      squared[at] = ((q - p) * step) ** 2 + (value[p] as number);
      nearest[at] = feature[p] as number;
    }
  }
}
