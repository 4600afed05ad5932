/** Scans a made knee as an MR scanner would: slices in one of three directions, partial volume, uneven coil, noise. */
import { type Affine, type Grid, type Triple, type Volume, voxelsOf } from "../volume/volume.ts";
import { type KneeSizes, makeKnee, randomSizes, type Tissue } from "./knee.ts";
import { Random } from "./random.ts";

export type Plane = "sagittal" | "coronal" | "axial";

export interface ScanOptions {
  readonly plane: Plane;
  /** Within a slice, and between slices. */
  readonly pixelMm: number;
  readonly sliceMm: number;
  /** Edge of the cube that is scanned. */
  readonly fieldMm: number;
  /** How the leg lies in the scanner, degrees about the axis to the right. */
  readonly tiltDegrees: number;
  /** The brightest place of the coil over the darkest. */
  readonly unevenness: number;
  /** Signal of cartilage over the noise's deviation. */
  readonly signalToNoise: number;
}

export interface ScannedKnee {
  readonly volume: Volume;
  readonly options: ScanOptions;
  readonly sizes: KneeSizes;
  /** What each voxel's middle is, as in `segmentation.nii.gz`, and the thickness of the cartilage there. */
  readonly truth: { readonly labels: Uint8Array; readonly thickness: Float32Array };
}

/** A fat-suppressed gradient echo: cartilage bright, fluid brighter, marrow and fat dark. */
const signal: Readonly<Record<Tissue, number>> = {
  air: 0,
  cortex: 0.05,
  meniscus: 0.1,
  fat: 0.24,
  marrow: 0.27,
  muscle: 0.52,
  cartilage: 1,
  fluid: 1.65,
};

export function randomScan(seed: number, given: Partial<ScanOptions> = {}): ScannedKnee {
  const random = new Random(seed + 1_000_003);
  const [pixelMm, sliceMm] = random.pick([
    [0.6, 0.6],
    [0.5, 1],
    [0.45, 1.5],
    [0.7, 0.7],
  ] as const);
  const drawn: ScanOptions = {
    plane: random.pick(["sagittal", "coronal", "axial"]),
    pixelMm,
    sliceMm,
    fieldMm: 104,
    tiltDegrees: random.between(-8, 8),
    unevenness: random.between(1.2, 1.9),
    signalToNoise: random.between(12, 30),
  };
  return scanKnee(seed, randomSizes(seed), { ...drawn, ...given });
}

export function scanKnee(seed: number, sizes: KneeSizes, options: ScanOptions): ScannedKnee {
  const random = new Random(seed + 2_000_003);
  const contrast = Object.fromEntries(
    Object.entries(signal).map(([tissue, value]) => [tissue, value * random.between(0.94, 1.06)]),
  ) as Record<Tissue, number>;
  const grid = gridOf(options);
  const coil = coilOf(random, options);
  const noise = contrast.cartilage / options.signalToNoise;
  const knee = makeKnee(sizes);
  const data = new Float32Array(voxelsOf(grid));
  const truth = { labels: new Uint8Array(data.length), thickness: new Float32Array(data.length) };
  const { affine: a, size } = grid;
  const offsets = subvoxels(grid);
  for (let k = 0, at = 0; k < size[2]; k++)
    for (let j = 0; j < size[1]; j++)
      for (let i = 0; i < size[0]; i++, at++) {
        const right = a[0] * i + a[1] * j + a[2] * k + a[3];
        const front = a[4] * i + a[5] * j + a[6] * k + a[7];
        const up = a[8] * i + a[9] * j + a[10] * k + a[11];
        const middle = knee(right, front, up);
        truth.labels[at] = middle.label;
        truth.thickness[at] = middle.thickness;
        let value = contrast[middle.tissue];
        // Farther from the bones no border matters.
        if (middle.toBone < 9) {
          value = 0;
          for (let sub = 0; sub < offsets.length; sub += 3)
            value +=
              contrast[
                knee(right + (offsets[sub] as number), front + (offsets[sub + 1] as number), up + (offsets[sub + 2] as number)).tissue
              ];
          value /= offsets.length / 3;
        }
        const clean = value * coil(right, front, up);
        data[at] = Math.round(600 * Math.hypot(clean + noise * random.normal(), noise * random.normal()));
      }
  return { volume: { ...grid, data }, options, sizes, truth };
}

/** Millimetres from a voxel's middle to places all over it, about half a millimetre apart: right, front, up, right, … */
function subvoxels({ spacing, affine: a }: Grid): Float64Array {
  const along = spacing.map((each) => {
    const steps = Math.max(2, Math.round(each / 0.5));
    return Array.from({ length: steps }, (_, i) => (i + 0.5) / steps - 0.5);
  }) as [number[], number[], number[]];
  const places = along[0].flatMap((i) => along[1].flatMap((j) => along[2].map((k) => [i, j, k] as const)));
  return Float64Array.from(
    places.flatMap(([i, j, k]) => [0, 4, 8].map((row) => (a[row] as number) * i + (a[row + 1] as number) * j + (a[row + 2] as number) * k)),
  );
}

/** Columns: where a step along the data's axes leads, in right, front, up. As scanners do it: first pixels, then rows, then slices. */
const planes: Readonly<Record<Plane, readonly [Triple, Triple, Triple]>> = {
  sagittal: [
    [0, -1, 0],
    [0, 0, -1],
    [-1, 0, 0],
  ],
  coronal: [
    [-1, 0, 0],
    [0, 0, -1],
    [0, -1, 0],
  ],
  axial: [
    [-1, 0, 0],
    [0, -1, 0],
    [0, 0, 1],
  ],
};

function gridOf({ plane, pixelMm, sliceMm, fieldMm, tiltDegrees }: ScanOptions): Grid {
  const spacing = [pixelMm, pixelMm, sliceMm] as const;
  const size = spacing.map((step) => Math.round(fieldMm / step)) as unknown as Triple;
  const tilt = (tiltDegrees * Math.PI) / 180;
  const turned = planes[plane].map(([x, y, z], axis) => {
    const step = spacing[axis as 0];
    return [x * step, (y * Math.cos(tilt) - z * Math.sin(tilt)) * step, (y * Math.sin(tilt) + z * Math.cos(tilt)) * step];
  });
  const middle = [0, 2, 6];
  const rows = [0, 1, 2].map((row) => {
    const columns = turned.map((column) => column[row] as number);
    const back = columns.reduce((sum, step, axis) => sum + (step * (size[axis as 0] - 1)) / 2, 0);
    return [...columns, (middle[row] as number) - back];
  });
  return { size, spacing, affine: rows.flat() as unknown as Affine };
}

/** A smooth field around 1: a slope, a bowl and a saddle of random strength. */
function coilOf(random: Random, { unevenness, fieldMm }: ScanOptions): (x: number, y: number, z: number) => number {
  const weights = Array.from({ length: 7 }, () => random.between(-1, 1));
  const reach = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const strength = Math.log(unevenness) / reach;
  const half = fieldMm / 2;
  const [a = 0, b = 0, c = 0, aa = 0, bb = 0, cc = 0, ab = 0] = weights.map((weight) => weight * strength);
  return (px, py, pz) => {
    const x = px / half;
    const y = py / half;
    const z = pz / half;
    return Math.exp(a * x + b * y + c * z + aa * (x * x - 0.5) + bb * (y * y - 0.5) + cc * (z * z - 0.5) + ab * x * y);
  };
}
