/** Puts objects on the ground: none overlap, some touch, none is cut by the edge. */
import type { Random } from "./random.ts";
import type { Recipe } from "./recipe.ts";

export interface Placed {
  readonly x: number;
  readonly y: number;
  /** Outline as radius by direction, `RAYS` values. */
  readonly outline: Float64Array;
  readonly radius: number;
  readonly angle: number;
}

/** Directions in which an outline is stored. */
export const RAYS = 96;

export function layOut(recipe: Recipe, r: Random): Placed[] {
  const placed: Placed[] = [];
  let tries = 0;
  while (placed.length < recipe.count && tries++ < recipe.count * 400) {
    const beside = placed.length > 0 && r.chance(recipe.touching) ? r.pick(placed) : undefined;
    const candidate = beside === undefined ? somewhere(recipe, r) : touching(recipe, r, beside);
    if (candidate === undefined || !inside(candidate, recipe)) continue;
    const gap = recipe.diameter * 0.08 + 1.5;
    if (placed.every((p) => p === beside || apart(p, candidate) > gap)) placed.push(candidate);
  }
  return placed;
}

function somewhere(recipe: Recipe, r: Random): Placed {
  return shape(recipe, r, r.between(0, recipe.width), r.between(0, recipe.height));
}

/** Slides a new object towards the other one until they meet. */
function touching(recipe: Recipe, r: Random, other: Placed): Placed | undefined {
  const angle = r.between(0, 2 * Math.PI);
  const far = other.radius * 2.4;
  const start = shape(recipe, r, other.x + far * Math.cos(angle), other.y + far * Math.sin(angle));
  for (let d = far; d > 0; d -= 0.5) {
    const moved = { ...start, x: other.x + d * Math.cos(angle), y: other.y + d * Math.sin(angle) };
    if (apart(other, moved) <= 0) return moved;
  }
  return undefined;
}

function inside(p: Placed, { width, height }: Recipe): boolean {
  const room = Math.max(...p.outline) + 2;
  return p.x > room && p.y > room && p.x < width - room && p.y < height - room;
}

/** Gap between two outlines: exact for discs, within a pixel or two for the mild shapes drawn here; negative if they overlap. */
function apart(a: Placed, b: Placed): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const centre = Math.hypot(dx, dy);
  const limit = Math.max(...a.outline) + Math.max(...b.outline);
  if (centre > limit + 40) return centre - limit;
  return Math.min(clearance(a, b), clearance(b, a));
}

/** Least signed distance of a's outline points to b, measured along b's rays. */
function clearance(a: Placed, b: Placed): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RAYS; i++) {
    const t = (2 * Math.PI * i) / RAYS;
    const px = a.x + (a.outline[i] as number) * Math.cos(t) - b.x;
    const py = a.y + (a.outline[i] as number) * Math.sin(t) - b.y;
    least = Math.min(least, Math.hypot(px, py) - radiusAt(b, Math.atan2(py, px)));
  }
  return least;
}

export function radiusAt(p: Placed, angle: number): number {
  const f = (((angle / (2 * Math.PI)) % 1) + 1) * RAYS;
  const i = Math.floor(f);
  const w = f - i;
  return (p.outline[i % RAYS] as number) * (1 - w) + (p.outline[(i + 1) % RAYS] as number) * w;
}

function shape(recipe: Recipe, r: Random, x: number, y: number): Placed {
  const near = 1 + recipe.perspective * (y / recipe.height - 0.5) * 2;
  const radius = (recipe.diameter / 2) * near * (1 + recipe.sizeSpread * r.between(-0.5, 0.5));
  const angle = r.between(0, 2 * Math.PI);
  return { x, y, radius, angle, outline: outlineOf(recipe, r, radius, angle) };
}

function outlineOf(recipe: Recipe, r: Random, radius: number, angle: number): Float64Array {
  const out = new Float64Array(RAYS);
  const { kind } = recipe;
  const squeeze = kind === "ellipse" ? r.between(0.62, 0.95) : kind === "berry" ? r.between(0.85, 1) : 1;
  const corners = r.whole(4, 7);
  const lump = kind === "berry" ? r.between(0, 0.04) : kind === "disc" ? r.between(0, 0.02) : 0;
  const phase = r.between(0, 2 * Math.PI);
  for (let i = 0; i < RAYS; i++) {
    const t = (2 * Math.PI * i) / RAYS - angle;
    let value = radius / Math.sqrt(Math.cos(t) ** 2 + (Math.sin(t) / squeeze) ** 2);
    if (kind === "polygon") value = radius * roundedPolygon(t, corners);
    out[i] = value * (1 + lump * Math.cos(3 * t + phase));
  }
  return out;
}

/** Radius of a regular polygon whose corners are rounded by blending towards its circle. */
function roundedPolygon(t: number, corners: number): number {
  const step = (2 * Math.PI) / corners;
  const within = ((((t % step) + step) % step) - step / 2) as number;
  const sharp = Math.cos(step / 2) / Math.cos(within);
  return 0.75 * sharp + 0.25 * ((1 + Math.cos(step / 2)) / 2);
}
