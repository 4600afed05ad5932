/**
 * Cartilage: what lies on a bone, is brighter than muscle, and darker than fluid. Its brightness is learned where there can be
 * little else, on the surfaces that femur and tibia turn to each other; from there it is followed along each bone.
 */
import { type Grid, voxelMm3, where } from "../volume/volume.ts";
import type { Evened } from "./bias.ts";
import type { Bones } from "./bones.ts";
import { distanceTo } from "./distance.ts";
import { gaussian, percentile } from "./filters.ts";
import { components } from "./morphology.ts";
import { otsu } from "./otsu.ts";

export interface Cartilage {
  readonly femoral: Uint8Array;
  readonly tibial: Uint8Array;
}

const smoothingMm = 0.3;
/** Farther from its bone nothing is cartilage. */
const thickestMm = 5.5;
/** Between bone as found and the cartilage on it. */
const gapMm = 1.2;
/** The joint's space: this near to both bones. */
const jointMm = 7;
const leastMm3 = 150;

/** Null: no surface of the joint has any. */
export function findCartilage({ data, muscle }: Evened, { femur, tibia }: Bones, grid: Grid): Cartilage | null {
  const calm = gaussian(data, grid, smoothingMm);
  const toFemur = distanceTo(femur, grid).squared;
  const toTibia = distanceTo(tibia, grid).squared;
  const range = brightness(calm, toFemur, toTibia, muscle);
  if (!range) return null;
  const on = (own: Float32Array, other: Float32Array) => {
    const isNear = (at: number) => {
      const squared = own[at] as number;
      return squared > 0 && squared <= thickestMm ** 2 && squared <= (other[at] as number);
    };
    const sure = where(calm.length, (at) => isNear(at) && (calm[at] as number) > range.low && (calm[at] as number) < range.high);
    return downToBone(attached(sure, own, grid), calm, own, range.half, grid);
  };
  const femoral = on(toFemur, toTibia);
  const tibial = on(toTibia, toFemur);
  return femoral.some(Boolean) && tibial.some(Boolean) ? { femoral, tibial } : null;
}

/** Between which values cartilage lies. */
function brightness(calm: Float32Array, toFemur: Float32Array, toTibia: Float32Array, muscle: number) {
  const isJoint = (at: number) => {
    const [a, b] = [toFemur[at] as number, toTibia[at] as number];
    return a > 0 && b > 0 && a < jointMm ** 2 && b < jointMm ** 2;
  };
  const joint = calm.filter((value, at) => isJoint(at) && value > 1.2 * muscle);
  const surface = calm.filter(
    (value, at) => isJoint(at) && value > 1.2 * muscle && Math.min(toFemur[at] as number, toTibia[at] as number) < 1.8 ** 2,
  );
  if (surface.length < 100) return null;
  const cartilage = percentile(surface, 0.5);
  const bright = otsu(joint, 0.7 * cartilage, 2.5 * cartilage, 2);
  const [, fluid = 0] = bright?.means ?? [];
  const [, share = 0] = bright?.shares ?? [];
  const isFluid = share > 0.03 && fluid > 1.3 * cartilage;
  return { half: 0.53 * cartilage, low: (muscle + cartilage) / 2, high: isFluid ? (cartilage + fluid) / 2 : 1.4 * cartilage };
}

/** Components that touch the bone and are not specks. */
function attached(mask: Uint8Array, toBone: Float32Array, grid: Grid): Uint8Array {
  const { labels, sizes } = components(mask, grid);
  const touching = new Float64Array(sizes.length);
  labels.forEach((label, at) => {
    if (label > 0 && (toBone[at] as number) <= gapMm ** 2) touching[label] = (touching[label] as number) + 1;
  });
  const kept = sizes.map((voxels, label) => voxels * voxelMm3(grid) >= leastMm3 && (touching[label] as number) > 0);
  return where(labels.length, (at) => kept[labels[at] as number] === true);
}

/**
 * Towards muscle, cartilage ends half way between the two; towards bone, which is darker, half way to that. So the voxels
 * between what was found and the bone may be darker.
 */
function downToBone(mask: Uint8Array, calm: Float32Array, own: Float32Array, half: number, { size }: Grid): Uint8Array {
  const steps = [1, size[0], size[0] * size[1]];
  const isAbove = (at: number, other: number) => mask[other] === 1 && (own[other] as number) > (own[at] as number);
  return where(mask.length, (at) => {
    if (mask[at]) return true;
    const squared = own[at] as number;
    if (squared === 0 || squared > gapMm ** 2 || (calm[at] as number) < half) return false;
    return steps.some((step) => isAbove(at, at + step) || isAbove(at, at - step));
  });
}
