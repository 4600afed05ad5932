/**
 * Local thickness in millimetres: at each marked voxel the diameter of the largest sphere that holds it and lies wholly
 * inside (Hildebrand and Rüegsegger, 1997). Voxels are too coarse for cartilage of 2 mm, so the surface is found between
 * them: the mask is smoothed a little and sampled on a finer, nearly cubic grid, distances are taken to where it crosses
 * one half, and spheres may sit anywhere on the fine grid.
 */
import { boxAround, boxSize, crop, type Grid, paste, type Triple, where } from "../volume/volume.ts";
import { distanceTo } from "./distance.ts";

/** Nothing in a knee that is thicker is cartilage; it bounds the work for a mask that is wrong. */
const thickestMm = 12;
/** Finer than this changes nothing that can be measured. */
const finestMm = 0.25;

export function localThickness(mask: Uint8Array, grid: Grid): Float32Array {
  const thickness = new Float32Array(mask.length);
  const box = boxAround(mask, grid, 2.1 * Math.max(...grid.spacing));
  if (!box) return thickness;
  const part = crop(mask, grid, box);
  const size = boxSize(box);
  const fine = refine(smoothed(part, size), size, grid.spacing);
  const radii = surfaceDistance(fine);
  const diameters = largestSpheres(radii, fine);
  const made = new Float32Array(part.length);
  for (let z = 0, at = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++)
      for (let x = 0; x < size[0]; x++, at++) {
        if (part[at]) made[at] = diameters[indexIn(fine.size, x * fine.factor[0], y * fine.factor[1], z * fine.factor[2])] as number;
      }
  paste(made, thickness, grid, box);
  return thickness;
}

const indexIn = ([nx, ny]: Triple, x: number, y: number, z: number) => (z * ny + y) * nx + x;

/** Between the mask and its blur (1 2 1 along each axis): above one half exactly where the mask is set, and sloped at its surface. */
function smoothed(mask: Uint8Array, size: Triple): Float32Array {
  let blurred = new Float32Array(mask);
  const strides = [1, size[0], size[0] * size[1]] as const;
  for (const axis of [0, 1, 2] as const) {
    const from = blurred;
    blurred = new Float32Array(from.length);
    const stride = strides[axis];
    for (let at = 0; at < from.length; at++) {
      const place = Math.trunc(at / stride) % size[axis];
      const here = from[at] as number;
      const before = place > 0 ? (from[at - stride] as number) : here;
      const after = place < size[axis] - 1 ? (from[at + stride] as number) : here;
      blurred[at] = (before + 2 * here + after) / 4;
    }
  }
  return blurred.map((value, at) => (value + (mask[at] as number)) / 2);
}

interface Fine {
  readonly size: Triple;
  readonly spacing: Triple;
  /** Fine steps per voxel. */
  readonly factor: Triple;
  readonly level: Float32Array;
}

/** Linear interpolation, axis by axis. Every voxel's centre stays a point of the grid. */
function refine(level: Float32Array, size: Triple, spacing: Triple): Fine {
  const step = Math.max(finestMm, Math.min(...spacing) / 2);
  // An even number, so that a wall of two voxels has its middle on the grid too.
  const factor = spacing.map((each) => (each < 1.15 * step ? 1 : 2 * Math.ceil((each / step - 0.15) / 2))) as unknown as Triple;
  let made = level;
  let now: [number, number, number] = [...size];
  for (const axis of [0, 1, 2] as const) {
    const times = factor[axis];
    const next: [number, number, number] = [...now];
    next[axis] = (now[axis] - 1) * times + 1;
    const finer = new Float32Array(next[0] * next[1] * next[2]);
    const stride = axis === 0 ? 1 : axis === 1 ? now[0] : now[0] * now[1];
    for (let z = 0, at = 0; z < next[2]; z++)
      for (let y = 0; y < next[1]; y++)
        for (let x = 0; x < next[0]; x++, at++) {
          const place: [number, number, number] = [x, y, z];
          const whole = Math.trunc(place[axis] / times);
          const share = place[axis] / times - whole;
          place[axis] = whole;
          const from = indexIn(now, ...place);
          const low = made[from] as number;
          finer[at] = share === 0 ? low : low + share * ((made[from + stride] as number) - low);
        }
    made = finer;
    now = next;
  }
  const finer: Triple = [spacing[0] / factor[0], spacing[1] / factor[1], spacing[2] / factor[2]];
  return { size: now, spacing: finer, factor, level: made };
}

const surface = 0.5;
const isInside = (level: number) => level > surface;

/** At each inner point the distance to the surface; 0 outside. */
function surfaceDistance(fine: Fine): Float32Array {
  const { size, level } = fine;
  const [nx, ny, nz] = size;
  const outside = where(level.length, (at) => !isInside(level[at] as number));
  const { nearest } = distanceTo(outside, fine);
  const radii = new Float32Array(level.length);
  for (let z = 0, at = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, at++) {
        if (!outside[at]) radii[at] = Math.sqrt(crossingNear(nearest[at] as number, fine, outside, x, y, z));
      }
  return radii;
}

/** mm² from a point to the crossing nearest to it: that of the nearest outer point, or of a neighbour of that one. */
function crossingNear(out: number, fine: Fine, outside: Uint8Array, x: number, y: number, z: number): number {
  const [nx, ny, nz] = fine.size;
  const [sx, sy, sz] = fine.spacing;
  const [ox, oy, oz] = [out % nx, Math.trunc(out / nx) % ny, Math.trunc(out / (nx * ny))];
  let best = Number.POSITIVE_INFINITY;
  for (let k = Math.max(0, oz - 1); k <= Math.min(nz - 1, oz + 1); k++)
    for (let j = Math.max(0, oy - 1); j <= Math.min(ny - 1, oy + 1); j++)
      for (let i = Math.max(0, ox - 1); i <= Math.min(nx - 1, ox + 1); i++) {
        const here = (k * ny + j) * nx + i;
        if (!outside[here]) continue;
        const low = fine.level[here] as number;
        const dx = (i - x) * sx;
        const dy = (j - y) * sy;
        const dz = (k - z) * sz;
        const xx = dx * dx;
        const yy = dy * dy;
        const zz = dz * dz;
        if (i > 0) best = Math.min(best, yy + zz + crossing(fine.level, low, here - 1, dx, -sx));
        if (i < nx - 1) best = Math.min(best, yy + zz + crossing(fine.level, low, here + 1, dx, sx));
        if (j > 0) best = Math.min(best, xx + zz + crossing(fine.level, low, here - nx, dy, -sy));
        if (j < ny - 1) best = Math.min(best, xx + zz + crossing(fine.level, low, here + nx, dy, sy));
        if (k > 0) best = Math.min(best, xx + yy + crossing(fine.level, low, here - nx * ny, dz, -sz));
        if (k < nz - 1) best = Math.min(best, xx + yy + crossing(fine.level, low, here + nx * ny, dz, sz));
      }
  return best;
}

/** mm² along one axis to where the level crosses on the way to an inner point; Infinity: that point lies outside too. */
function crossing(level: Float32Array, low: number, to: number, along: number, step: number): number {
  const high = level[to] as number;
  return isInside(high) ? (along + step * ((surface - low) / (high - low))) ** 2 : Number.POSITIVE_INFINITY;
}

/** Paints each sphere that no neighbour's holds, and keeps at each point the largest diameter. */
function largestSpheres(radii: Float32Array, { size, spacing }: Fine): Float32Array {
  const [nx, ny, nz] = size;
  const diameters = new Float32Array(radii.length);
  const tolerance = 0.02 * Math.min(...spacing);
  for (let z = 0, at = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, at++) {
        const radius = Math.min(radii[at] as number, thickestMm / 2);
        if (radius === 0) continue;
        if (diameters[at] === 0) diameters[at] = 2 * radius;
        if (isHeldByNeighbour(radii, size, spacing, x, y, z, tolerance)) continue;
        paint(diameters, radii, size, spacing, [x, y, z], radius);
      }
  return diameters;
}

function isHeldByNeighbour(
  radii: Float32Array,
  size: Triple,
  spacing: Triple,
  x: number,
  y: number,
  z: number,
  tolerance: number,
): boolean {
  const own = radii[indexIn(size, x, y, z)] as number;
  for (let dz = z > 0 ? -1 : 0; dz <= (z < size[2] - 1 ? 1 : 0); dz++)
    for (let dy = y > 0 ? -1 : 0; dy <= (y < size[1] - 1 ? 1 : 0); dy++)
      for (let dx = x > 0 ? -1 : 0; dx <= (x < size[0] - 1 ? 1 : 0); dx++) {
        const other = radii[indexIn(size, x + dx, y + dy, z + dz)] as number;
        if (other <= own) continue;
        if (other + tolerance >= own + Math.hypot(dx * spacing[0], dy * spacing[1], dz * spacing[2])) return true;
      }
  return false;
}

/** A little beyond its radius: a sphere that fits between the bumps of a sampled surface also stands for what lies in them. */
function paint(diameters: Float32Array, radii: Float32Array, size: Triple, spacing: Triple, [x, y, z]: Triple, inscribed: number): void {
  const radius = inscribed + Math.min(...spacing) / 2;
  const value = 2 * inscribed;
  const reach = spacing.map((step) => Math.floor(radius / step)) as unknown as Triple;
  for (let dz = Math.max(-reach[2], -z); dz <= Math.min(reach[2], size[2] - 1 - z); dz++)
    for (let dy = Math.max(-reach[1], -y); dy <= Math.min(reach[1], size[1] - 1 - y); dy++) {
      const left = radius ** 2 - (dz * spacing[2]) ** 2 - (dy * spacing[1]) ** 2;
      if (left < 0) continue;
      const half = Math.floor(Math.sqrt(left) / spacing[0]);
      const row = indexIn(size, 0, y + dy, z + dz);
      const last = row + Math.min(size[0] - 1, x + half);
      for (let at = row + Math.max(0, x - half); at <= last; at++) {
        if ((diameters[at] as number) < value && (radii[at] as number) > 0) diameters[at] = value;
      }
    }
}
