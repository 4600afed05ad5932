/**
 * A second look at regions that are too large or too ragged for one object: shade, glare or a shadow between objects may join
 * them at the picture's threshold but not at a higher one. The parts are taken only if they look like objects of the usual size.
 */
import { distanceTo } from "./distance.ts";
import type { Mask } from "./mask.ts";
import type { RegionTone } from "./region-tones.ts";
import { discArea, type SolidOptions, solidMask } from "./solid-mask.ts";
import { type Region, type Split, splitMask } from "./split.ts";

export interface Found {
  readonly x0: number;
  readonly y0: number;
  /** Exclusive. */
  readonly x1: number;
  readonly y1: number;
  readonly area: number;
  readonly depth: number;
  readonly solidity: number;
  /** Of the region it was found in. */
  readonly tone: RegionTone;
}

/** Thresholds tried, as multiples of the picture's. */
const STEPS = [1, 1.3, 1.6, 2, 2.5, 3.2];
/** The gap between three touching objects may be a hole so small that it was closed: each threshold is tried with open holes too. */
const VARIANTS = STEPS.flatMap((step) => (step === 1 ? [[step, true] as const] : [[step, false] as const, [step, true] as const]));
/** A part smaller than this share of the usual area is more likely a shadow or a highlight. */
const LEAST_PART = 0.42;
/** Larger than this many typical areas, or filling less of its hull than this: worth a second look. */
const TOO_LARGE = 1.5;
const TOO_RAGGED = 0.87;
const RAGGED_AND_LARGE = 1.25;

export function foundIn(
  split: Split,
  tones: readonly RegionTone[],
  evidence: Float32Array,
  width: number,
  threshold: number,
  typical: number,
): Found[] {
  const usual = discArea(typical);
  return split.regions.flatMap((region) => {
    const tone = tones[region.label - 1] as RegionTone;
    const whole = [found(region, tone, 0, 0)];
    const suspicious = region.area > TOO_LARGE * usual || (region.solidity < TOO_RAGGED && region.area > RAGGED_AND_LARGE * usual);
    if (!suspicious) return whole;
    return parts(region, tone, split.labels, evidence, width, threshold, typical) ?? whole;
  });
}

function parts(
  region: Region,
  tone: RegionTone,
  labels: Int32Array,
  evidence: Float32Array,
  width: number,
  threshold: number,
  typical: number,
): Found[] | undefined {
  let best: Found[] | undefined;
  for (const [step, holes] of VARIANTS) {
    const mask = cut(region, labels, evidence, width, { threshold: threshold * step, typical, keepHoles: holes });
    const { regions } = splitMask(mask, distanceTo(mask), discArea(typical));
    const objects = regions.filter((r) => r.area > LEAST_PART * discArea(typical) && r.area < 1.8 * discArea(typical) && r.solidity > 0.86);
    const kept = objects.reduce((sum, r) => sum + r.area, 0) / region.area;
    if (objects.length < 2 || kept < 0.55) continue;
    if (best === undefined || objects.length > best.length) best = objects.map((r) => found(r, tone, region.x0 - 1, region.y0 - 1));
  }
  return best;
}

/** The region's own pixels above a threshold, with a pixel of ground around them. */
function cut(region: Region, labels: Int32Array, evidence: Float32Array, width: number, options: SolidOptions): Mask {
  const w = region.x1 - region.x0 + 3;
  const h = region.y1 - region.y0 + 3;
  const part = new Float32Array(w * h);
  for (let y = region.y0; y <= region.y1; y++) {
    for (let x = region.x0; x <= region.x1; x++) {
      const i = y * width + x;
      if (labels[i] === region.label) part[(y - region.y0 + 1) * w + x - region.x0 + 1] = evidence[i] as number;
    }
  }
  return solidMask(part, w, h, options);
}

function found(r: Region, tone: RegionTone, left: number, top: number): Found {
  return {
    x0: r.x0 + left,
    y0: r.y0 + top,
    x1: r.x1 + 1 + left,
    y1: r.y1 + 1 + top,
    area: r.area,
    depth: r.depth,
    solidity: r.solidity,
    tone,
  };
}
