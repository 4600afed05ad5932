/** Paints a scene as linear light and turns it into 8-bit sRGB: ground, shadows, objects, lens blur, sensor noise. */
import { type Placed, radiusAt } from "./layout.ts";
import { surfaceOf } from "./materials.ts";
import { type Random, seeded } from "./random.ts";
import type { Recipe } from "./recipe.ts";

export interface Painted {
  readonly width: number;
  readonly height: number;
  /** sRGB, three bytes per pixel. */
  readonly data: Uint8Array;
}

export function paint(recipe: Recipe, objects: readonly Placed[]): Painted {
  const r = seeded(recipe.seed ^ 0x2545f491);
  const { width, height } = recipe;
  const planes = [0, 1, 2].map(() => new Float32Array(width * height)) as [Float32Array, Float32Array, Float32Array];
  paintGround(recipe, r, planes);
  if (recipe.shadow > 0) castShadows(recipe, objects, planes);
  for (const object of objects) paintObject(recipe, r, object, planes);
  light(recipe, planes);
  for (const plane of planes) gauss(plane, width, height, recipe.blur);
  return { width, height, data: develop(recipe, r, planes) };
}

type Planes = readonly [Float32Array, Float32Array, Float32Array];

function paintGround(recipe: Recipe, r: Random, planes: Planes): void {
  const { width, height, ground, grain, patches } = recipe;
  const coarse = noiseField(r, width, height, Math.max(24, Math.min(width, height) / 5));
  const fine = noiseField(r, width, height, r.between(2, 6));
  for (let i = 0; i < width * height; i++) {
    const texture = 1 + patches * (coarse[i] as number) + grain * (fine[i] as number);
    for (let k = 0; k < 3; k++) (planes[k] as Float32Array)[i] = (ground[k] as number) * texture;
  }
}

/** Smooth noise, about -1 to 1, with the given period in pixels. */
function noiseField(r: Random, width: number, height: number, period: number): Float32Array {
  const w = Math.ceil(width / period) + 2;
  const h = Math.ceil(height / period) + 2;
  const knots = Float32Array.from({ length: w * h }, () => r.between(-1, 1));
  const out = new Float32Array(width * height);
  const ease = (t: number): number => t * t * (3 - 2 * t);
  for (let y = 0; y < height; y++) {
    const gy = Math.floor(y / period);
    const fy = ease(y / period - gy);
    for (let x = 0; x < width; x++) {
      const gx = Math.floor(x / period);
      const fx = ease(x / period - gx);
      const at = (dx: number, dy: number): number => knots[(gy + dy) * w + gx + dx] as number;
      out[y * width + x] = (at(0, 0) * (1 - fx) + at(1, 0) * fx) * (1 - fy) + (at(0, 1) * (1 - fx) + at(1, 1) * fx) * fy;
    }
  }
  return out;
}

/** Each object darkens the ground on the side away from the light, softly. */
function castShadows(recipe: Recipe, objects: readonly Placed[], planes: Planes): void {
  const { width, height, shadow, shadowReach, lightAngle, diameter } = recipe;
  const cover = new Float32Array(width * height);
  for (const o of objects) {
    const shift = o.radius * 2 * shadowReach;
    each(recipe, o, o.x + shift * Math.cos(lightAngle), o.y + shift * Math.sin(lightAngle), 1, (i) => {
      cover[i] = 1;
    });
  }
  gauss(cover, width, height, Math.max(1, diameter * shadowReach * 0.5));
  for (let i = 0; i < cover.length; i++) for (const plane of planes) plane[i]! *= 1 - shadow * (cover[i] as number);
}

/** Visits the pixels of an object's outline moved to (cx, cy): index, distance from the middle as a share of the radius, direction. */
function each(
  recipe: Recipe,
  o: Placed,
  cx: number,
  cy: number,
  grow: number,
  visit: (i: number, rho: number, dx: number, dy: number) => void,
): void {
  const { width, height } = recipe;
  const reach = Math.max(...o.outline) * grow + 1;
  for (let y = Math.max(0, Math.floor(cy - reach)); y <= Math.min(height - 1, Math.ceil(cy + reach)); y++) {
    for (let x = Math.max(0, Math.floor(cx - reach)); x <= Math.min(width - 1, Math.ceil(cx + reach)); x++) {
      const dx = x + 0.5 - cx;
      const dy = y + 0.5 - cy;
      const edge = radiusAt(o, Math.atan2(dy, dx)) * grow;
      const rho = Math.hypot(dx, dy) / edge;
      if (rho <= 1) visit(y * width + x, rho, dx / edge, dy / edge);
    }
  }
}

function paintObject(recipe: Recipe, r: Random, object: Placed, planes: Planes): void {
  const colour = r.pick(recipe.colours);
  const tone = 1 + 0.08 * r.normal();
  const surface = surfaceOf(recipe, r, object);
  each(recipe, object, object.x, object.y, 1, (i, rho, dx, dy) => {
    const { shade, gloss } = surface(rho, dx, dy);
    for (let k = 0; k < 3; k++) (planes[k] as Float32Array)[i] = Math.min(1.2, (colour[k] as number) * tone * shade + gloss);
  });
}

/** Uneven light multiplies everything. */
function light(recipe: Recipe, planes: Planes): void {
  const { width, height, fall, lightAngle, vignette } = recipe;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = (2 * x) / width - 1;
      const v = (2 * y) / height - 1;
      const along = (u * Math.cos(lightAngle) + v * Math.sin(lightAngle)) / Math.SQRT2;
      const factor = (1 - fall * (0.5 + 0.5 * along)) * (1 - vignette * 0.5 * (u * u + v * v));
      for (const plane of planes) plane[y * width + x]! *= factor;
    }
  }
}

/** Gaussian blur with a real kernel; edges repeat. */
function gauss(plane: Float32Array, width: number, height: number, sigma: number): void {
  const reach = Math.ceil(2.5 * sigma);
  const taps = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = taps.reduce((a, b) => a + b, 0);
  const line = new Float32Array(Math.max(width, height));
  const run = (start: number, step: number, n: number): void => {
    for (let i = 0; i < n; i++) line[i] = plane[start + i * step] as number;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let t = -reach; t <= reach; t++) sum += (line[Math.min(n - 1, Math.max(0, i + t))] as number) * (taps[t + reach] as number);
      plane[start + i * step] = sum / total;
    }
  };
  for (let y = 0; y < height; y++) run(y * width, 1, width);
  for (let x = 0; x < width; x++) run(x, width, height);
}

function develop({ width, height, noise, grey }: Recipe, r: Random, planes: Planes): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const shared = grey ? noise * r.normal() : 0;
    for (let k = 0; k < 3; k++) {
      const value = 255 * encode((planes[k] as Float32Array)[i] as number) + (grey ? shared : noise * r.normal());
      out[3 * i + k] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  return out;
}

/** Linear light to sRGB. */
const encode = (v: number): number => (v <= 0.0031308 ? 12.92 * v : 1.055 * Math.min(1, v) ** (1 / 2.4) - 0.055);
