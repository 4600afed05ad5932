/** Tells objects from what only stands out a little, and from shadows and glare that got a region of their own. */
import type { Found } from "./resplit.ts";
import { discArea } from "./solid-mask.ts";

/** Area times strength, as a share of the usual object's: below this it is noise, dirt or a stain. */
const LEAST_WEIGHT = 0.12;
/** Area alone, likewise. */
const LEAST_AREA = 0.15;
/** A companion is smaller than this share of the object it lies against, and no more like it in tone than this cosine. */
const COMPANION_AREA = 0.6;
const COMPANION_LIKENESS = 0.2;

export function withoutDoubtful(found: readonly Found[], typical: number, strength: number): Found[] {
  const usual = discArea(typical);
  const heavy = found.filter((f) => f.area >= LEAST_AREA * usual && f.area * f.tone.strength >= LEAST_WEIGHT * usual * strength);
  return heavy.filter((f) => !heavy.some((other) => accompanies(f, other, typical)));
}

/** A cast shadow or a reflection lies against its object, is smaller, and differs from the ground the other way. */
function accompanies(f: Found, object: Found, typical: number): boolean {
  if (f.area > COMPANION_AREA * object.area) return false;
  const gap = Math.max(f.x0 - object.x1, object.x0 - f.x1, f.y0 - object.y1, object.y0 - f.y1);
  if (gap > 0.1 * typical) return false;
  const [a, b] = [f.tone.tone, object.tone.tone];
  const cosine = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / (Math.hypot(...a) * Math.hypot(...b) + 1e-9);
  return cosine < COMPANION_LIKENESS;
}
