/** Growing, shrinking and taking apart of marked voxels, with radii in millimetres whatever the voxels' shape. */
import { type Grid, voxelsOf, where } from "../volume/volume.ts";
import { distanceTo } from "./distance.ts";

export function dilate(mask: Uint8Array, grid: Grid, radiusMm: number): Uint8Array {
  const { squared } = distanceTo(mask, grid);
  return where(mask.length, (at) => (squared[at] as number) <= radiusMm ** 2);
}

/** Where the volume ends, what is marked is taken to go on: bones are cut off there, and must not lose their ends. */
export function erode(mask: Uint8Array, grid: Grid, radiusMm: number): Uint8Array {
  const { squared } = distanceTo(inverted(mask), grid);
  return where(mask.length, (at) => (squared[at] as number) > radiusMm ** 2);
}

export const inverted = (mask: Uint8Array): Uint8Array => where(mask.length, (at) => !mask[at]);
export const close = (mask: Uint8Array, grid: Grid, radiusMm: number): Uint8Array => erode(dilate(mask, grid, radiusMm), grid, radiusMm);

export interface Components {
  /** 0 where nothing is marked, else 1 to `sizes.length - 1`. */
  readonly labels: Int32Array;
  /** Voxels by label; that of 0 is 0. */
  readonly sizes: readonly number[];
}

/** Marked voxels that touch by a face belong together. */
export function components(mask: Uint8Array, { size }: Pick<Grid, "size">): Components {
  const [nx, ny] = size;
  const labels = new Int32Array(voxelsOf({ size }));
  const sizes = [0];
  const stack: number[] = [];
  for (let seed = 0; seed < labels.length; seed++) {
    if (!mask[seed] || labels[seed]) continue;
    const label = sizes.length;
    let count = 0;
    const visit = (at: number) => {
      if (!mask[at] || labels[at]) return;
      labels[at] = label;
      stack.push(at);
    };
    visit(seed);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      count += 1;
      const x = at % nx;
      const y = Math.trunc(at / nx) % ny;
      if (x > 0) visit(at - 1);
      if (x < nx - 1) visit(at + 1);
      if (y > 0) visit(at - nx);
      if (y < ny - 1) visit(at + nx);
      if (at >= nx * ny) visit(at - nx * ny);
      if (at < labels.length - nx * ny) visit(at + nx * ny);
    }
    sizes.push(count);
  }
  return { labels, sizes };
}

/** Marks what is not marked and cannot be reached from the volume's border. */
export function fillHoles(mask: Uint8Array, grid: Pick<Grid, "size">): Uint8Array {
  const [nx, ny, nz] = grid.size;
  const { labels } = components(inverted(mask), grid);
  const open = new Set<number>();
  for (let z = 0, at = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, at++) {
        if (x === 0 || y === 0 || z === 0 || x === nx - 1 || y === ny - 1 || z === nz - 1) open.add(labels[at] as number);
      }
  return where(mask.length, (at) => mask[at] === 1 || !open.has(labels[at] as number));
}
