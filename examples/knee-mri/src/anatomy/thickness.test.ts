import { describe, expect, it } from "vitest";
import { type Grid, type Triple, voxelsOf } from "../volume/volume.ts";
import { localThickness } from "./thickness.ts";

type Inside = (x: number, y: number, z: number) => boolean;

/** What is inside, in millimetres from the middle of the volume. */
function drawn(spacing: Triple, halfMm: number, inside: Inside): { readonly mask: Uint8Array; readonly grid: Grid } {
  const size = spacing.map((step) => 2 * Math.ceil(halfMm / step) + 1) as unknown as Triple;
  const grid = { size, spacing, affine: [spacing[0], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[2], 0] as const };
  const mask = new Uint8Array(voxelsOf(grid));
  for (let z = 0, at = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++)
      for (let x = 0; x < size[0]; x++, at++) {
        const [px, py, pz] = [x, y, z].map((place, axis) => (place - (size[axis as 0] - 1) / 2) * spacing[axis as 0]) as unknown as Triple;
        mask[at] = inside(px, py, pz) ? 1 : 0;
      }
  return { mask, grid };
}

function measured(spacing: Triple, halfMm: number, inside: Inside): { readonly mean: number; readonly worst: (truth: number) => number } {
  const { mask, grid } = drawn(spacing, halfMm, inside);
  const values = Array.from(localThickness(mask, grid)).filter((_, at) => mask[at]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, worst: (truth) => Math.max(...values.map((value) => Math.abs(value - truth))) };
}

const spacings: readonly Triple[] = [
  [0.5, 0.5, 0.5],
  [0.6, 0.6, 1.2],
  [0.8, 0.8, 0.8],
];
/** Turned about two axes, so that no voxel face is parallel to the slab. */
const normal = [0.48, 0.36, 0.8] as const;

describe.each(spacings)("local thickness with voxels of %d × %d × %d mm", (...spacing) => {
  it.each([2, 3, 4])("is exact for a slab of %d voxels, whichever axis it is normal to", (voxels) => {
    for (const axis of [0, 1, 2] as const) {
      const truth = voxels * spacing[axis];
      const shift = voxels % 2 === 0 ? spacing[axis] / 2 : 0;
      const found = measured(spacing, 3, (...place) => Math.abs(place[axis] - shift) < truth / 2 - 1e-6);
      expect(found.worst(truth)).toBeLessThan(0.01 * truth);
    }
  });
  it.each([2, 3.3])("finds a turned slab of %d mm", (truth) => {
    const found = measured(spacing, 5, (x, y, z) => Math.abs(normal[0] * x + normal[1] * y + normal[2] * z) < truth / 2);
    expect(Math.abs(found.mean - truth)).toBeLessThan(0.1 * truth);
  });
  it.each([4, 6])("finds the diameter of a ball of %d mm, to a voxel or so", (truth) => {
    const found = measured(spacing, 4, (x, y, z) => Math.hypot(x, y, z) < truth / 2);
    expect(Math.abs(found.mean - truth)).toBeLessThan(1.2 * Math.max(...spacing));
  });
  it.each([2.5])("finds the wall of a hollow ball, %d mm thick", (truth) => {
    const found = measured(spacing, 6.5, (x, y, z) => Math.abs(Math.hypot(x, y, z) - 5) < truth / 2);
    expect(Math.abs(found.mean - truth)).toBeLessThan(0.1 * truth);
  });
});
