/** Femur and tibia: the two great bodies of marrow, the one above the other, each with the dark shell of cortical bone around it. */
import { type Grid, voxelMm3, where } from "../volume/volume.ts";
import type { Evened } from "./bias.ts";
import { distanceTo } from "./distance.ts";
import { gaussian } from "./filters.ts";
import { close, components, fillHoles, inverted } from "./morphology.ts";

export interface Bones {
  readonly femur: Uint8Array;
  readonly tibia: Uint8Array;
}

const smoothingMm = 0.7;
/** Bridges of fat thinner than twice this do not join what they touch. */
const bridgeMm = 2;
/** A body of marrow holds a ball of this radius; the fat below the skin does not. */
const leastRadiusMm = 8;
const leastMm3 = 8000;
/** Cortical bone, and the voxels that hold a part of it. */
const shellMm = 1.5;
/** Middle of femur above middle of tibia. */
const leastApartMm = 25;

/** The grid must stand upright (`upright`). Null: there are no two such bodies. */
export function findBones({ data, marrow, muscle }: Evened, grid: Grid): Bones | null {
  const calm = gaussian(data, grid, smoothingMm);
  const mask = where(calm.length, (at) => (calm[at] as number) > 0.5 * marrow && (calm[at] as number) < Math.sqrt(marrow * muscle));
  const inside = distanceTo(inverted(mask), grid).squared;
  const cores = where(inside.length, (at) => (inside[at] as number) > bridgeMm ** 2);
  const { labels } = components(cores, grid);
  const bodies = bodiesOf(labels, inside, grid)
    .filter(({ radiusMm, voxels }) => radiusMm >= leastRadiusMm && voxels * voxelMm3(grid) >= leastMm3)
    .sort((a, b) => b.voxels - a.voxels)
    .slice(0, 2)
    .sort((a, b) => b.upMm - a.upMm);
  const [upper, lower] = bodies;
  if (!upper || !lower || upper.upMm - lower.upMm < leastApartMm) return null;
  const whole = (label: number) => withShell(labels, label, mask, calm, grid, 0.75 * muscle);
  return { femur: whole(upper.label), tibia: whole(lower.label) };
}

interface Body {
  readonly label: number;
  readonly voxels: number;
  readonly radiusMm: number;
  readonly upMm: number;
}

function bodiesOf(labels: Int32Array, inside: Float32Array, { size, spacing }: Grid): readonly Body[] {
  const bodies: { label: number; voxels: number; squared: number; rows: number }[] = [];
  const layer = size[0] * size[1];
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at] as number;
    if (label === 0) continue;
    const body = bodies[label] ?? { label, voxels: 0, squared: 0, rows: 0 };
    bodies[label] = body;
    body.voxels += 1;
    body.rows += Math.trunc(at / layer);
    body.squared = Math.max(body.squared, inside[at] as number);
  }
  return bodies
    .filter((body) => body !== undefined)
    .map(({ label, voxels, squared, rows }) => ({ label, voxels, radiusMm: Math.sqrt(squared), upMm: (rows / voxels) * spacing[2] }));
}

function withShell(labels: Int32Array, label: number, mask: Uint8Array, calm: Float32Array, grid: Grid, brightest: number): Uint8Array {
  const core = where(labels.length, (at) => labels[at] === label);
  const nearCore = distanceTo(core, grid).squared;
  const marrow = where(mask.length, (at) => mask[at] === 1 && (nearCore[at] as number) <= (bridgeMm + 0.5) ** 2);
  const nearMarrow = distanceTo(marrow, grid).squared;
  const bone = where(
    marrow.length,
    (at) => marrow[at] === 1 || ((nearMarrow[at] as number) <= shellMm ** 2 && (calm[at] as number) < brightest),
  );
  return fillHoles(close(bone, grid, 1), grid);
}
