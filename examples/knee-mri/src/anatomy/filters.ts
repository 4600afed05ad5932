/** Smoothing and sampling of intensities. */
import type { Grid, Triple, Volume } from "../volume/volume.ts";

/** A Gaussian of `sigmaMm` along each axis; beyond the border the last voxel goes on. */
export function gaussian(data: Float32Array, { size, spacing }: Pick<Grid, "size" | "spacing">, sigmaMm: number): Float32Array {
  let made = data;
  const strides = [1, size[0], size[0] * size[1]] as const;
  for (const axis of [0, 1, 2] as const) {
    const kernel = kernelOf(sigmaMm / spacing[axis]);
    if (kernel.length === 1) continue;
    const from = made;
    const to = new Float32Array(from.length);
    const stride = strides[axis];
    const last = size[axis] - 1;
    const half = (kernel.length - 1) / 2;
    for (let at = 0; at < from.length; at++) {
      const place = Math.trunc(at / stride) % size[axis];
      let sum = 0;
      for (let k = -half; k <= half; k++) {
        const other = Math.min(last, Math.max(0, place + k));
        sum += (kernel[k + half] as number) * (from[at + (other - place) * stride] as number);
      }
      to[at] = sum;
    }
    made = to;
  }
  return made === data ? data.slice() : made;
}

function kernelOf(sigma: number): readonly number[] {
  const half = Math.ceil(2.5 * sigma);
  if (sigma < 0.2) return [1];
  const weights = Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-((i - half) ** 2) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Means of blocks of about `edgeMm`, and how many voxels a block has along each axis. */
export function blockMeans(
  { data, size, spacing }: Volume,
  edgeMm: number,
): { readonly data: Float32Array; readonly size: Triple; readonly block: Triple } {
  const block = spacing.map((step) => Math.max(1, Math.round(edgeMm / step))) as unknown as Triple;
  const small = size.map((count, axis) => Math.max(1, Math.trunc(count / block[axis as 0]))) as unknown as Triple;
  const sums = new Float32Array(small[0] * small[1] * small[2]);
  for (let z = 0; z < small[2] * block[2] && z < size[2]; z++)
    for (let y = 0; y < small[1] * block[1] && y < size[1]; y++) {
      const from = (z * size[1] + y) * size[0];
      const to = (Math.trunc(z / block[2]) * small[1] + Math.trunc(y / block[1])) * small[0];
      for (let x = 0; x < small[0] * block[0] && x < size[0]; x++) {
        const at = to + Math.trunc(x / block[0]);
        sums[at] = (sums[at] as number) + (data[from + x] as number);
      }
    }
  const voxels = block.reduce((product, count, axis) => product * Math.min(count, size[axis as 0]), 1);
  return { data: sums.map((sum) => sum / voxels), size: small, block };
}

/** The value that this share of all lies below. */
export function percentile(values: Float32Array, share: number): number {
  const step = Math.max(1, Math.trunc(values.length / 100_000));
  const some = values.filter((_, i) => i % step === 0).sort();
  return some[Math.min(some.length - 1, Math.trunc(share * some.length))] ?? 0;
}
