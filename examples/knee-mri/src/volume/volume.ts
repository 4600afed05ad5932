/** A scan in memory: numbers on a grid of voxels, and where that grid lies in the patient. */

export type Triple = readonly [number, number, number];

/**
 * Voxel index to millimetres, three rows of four numbers. The axes are NIfTI's: first to the patient's right, then to the
 * front, then up (RAS+). https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h, "method 3"
 */
export type Affine = readonly [number, number, number, number, number, number, number, number, number, number, number, number];

export interface Grid {
  /** Voxels along each axis; the first runs fastest in the data. */
  readonly size: Triple;
  /** Millimetres between voxels. */
  readonly spacing: Triple;
  readonly affine: Affine;
}

export interface Volume extends Grid {
  readonly data: Float32Array;
}

export const voxelsOf = ({ size: [nx, ny, nz] }: Pick<Grid, "size">): number => nx * ny * nz;
export const voxelMm3 = ({ spacing: [sx, sy, sz] }: Grid): number => sx * sy * sz;

/** Column lengths of the affine: the spacing that it implies. */
export const spacingOf = (a: Affine): Triple => [Math.hypot(a[0], a[4], a[8]), Math.hypot(a[1], a[5], a[9]), Math.hypot(a[2], a[6], a[10])];

/** 1 wherever the test holds. */
export function where(count: number, test: (at: number) => boolean): Uint8Array {
  const mask = new Uint8Array(count);
  for (let at = 0; at < count; at++) if (test(at)) mask[at] = 1;
  return mask;
}

/** The part of a grid between two corners (both inside), as a grid of its own. */
export interface Box {
  readonly low: Triple;
  readonly high: Triple;
}

/** Around all marked voxels, with `marginMm` more on each side where there is room; null: none is marked. */
export function boxAround(mask: Uint8Array, { size, spacing }: Grid, marginMm: number): Box | null {
  const [nx, ny, nz] = size;
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  for (let z = 0, at = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, at++) {
        if (!mask[at]) continue;
        const here = [x, y, z];
        for (let axis = 0; axis < 3; axis++) {
          const value = here[axis] as number;
          if (value < (low[axis] as number)) low[axis] = value;
          if (value > (high[axis] as number)) high[axis] = value;
        }
      }
  if ((high[0] as number) < 0) return null;
  const margin = (axis: 0 | 1 | 2) => Math.ceil(marginMm / spacing[axis]);
  const corner = (axis: 0 | 1 | 2) => Math.max(0, (low[axis] as number) - margin(axis));
  const far = (axis: 0 | 1 | 2) => Math.min(size[axis] - 1, (high[axis] as number) + margin(axis));
  return { low: [corner(0), corner(1), corner(2)], high: [far(0), far(1), far(2)] };
}

export function crop<T extends Uint8Array | Float32Array>(data: T, { size }: Pick<Grid, "size">, { low, high }: Box): T {
  const size2 = boxSize({ low, high });
  const part = new (data.constructor as new (length: number) => T)(size2[0] * size2[1] * size2[2]);
  let to = 0;
  for (let z = low[2]; z <= high[2]; z++)
    for (let y = low[1]; y <= high[1]; y++) {
      const from = (z * size[1] + y) * size[0] + low[0];
      part.set(data.subarray(from, from + size2[0]), to);
      to += size2[0];
    }
  return part;
}

/** Writes what `crop` took back to where it was. */
export function paste<T extends Uint8Array | Float32Array>(part: T, whole: T, { size }: Pick<Grid, "size">, { low, high }: Box): void {
  const [width] = boxSize({ low, high });
  let from = 0;
  for (let z = low[2]; z <= high[2]; z++)
    for (let y = low[1]; y <= high[1]; y++) {
      whole.set(part.subarray(from, from + width), (z * size[1] + y) * size[0] + low[0]);
      from += width;
    }
}

export const boxSize = ({ low, high }: Box): Triple => [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1];
