/** Judges an answer by what it leads to: the right one leaves convex shapes of similar size and explains what is not ground. */
import { distanceTo } from "./distance.ts";
import { evidenceOf, type Residual, type Sense } from "./evidence.ts";
import { blur } from "./filters.ts";
import type { Ground } from "./ground.ts";
import { atEdge } from "./mask.ts";
import { likeness, tonesOf, usualStrength } from "./region-tones.ts";
import { discArea, solidMask } from "./solid-mask.ts";
import { type Region, splitMask } from "./split.ts";

export interface Guess {
  readonly ground: Ground;
  readonly sense: Sense;
  readonly threshold: number;
  /** Diameter of a typical object and extent of the largest, in pixels of the reduced copy. */
  readonly typical: number;
  readonly largest: number;
  /** Mean evidence of a usual region. */
  readonly strength: number;
  readonly quality: number;
  readonly count: number;
}

/** One ground and one sense at several thresholds. */
export function judge(residual: Residual, ground: Ground, sense: Sense): Guess[] {
  const { width, height } = residual;
  const evidence = blur(evidenceOf(residual, sense), width, height, 0.7);
  const strong = thresholds(evidence);
  if (strong === undefined) return [];
  const out: Guess[] = [];
  let hint: number | undefined;
  for (const threshold of strong) {
    const look = lookAt(evidence, width, height, threshold, hint);
    if (look === undefined) continue;
    hint = look.quality > 0.6 ? look.typical : undefined;
    const tones = tonesOf(look.labels, look.regions, residual, evidence);
    const quality = look.quality * explained(residual, look.labels, threshold) * (0.85 + 0.15 * likeness(tones, look.regions));
    out.push({
      ground,
      sense,
      threshold,
      typical: look.typical,
      largest: look.largest,
      strength: usualStrength(tones, look.regions),
      quality,
      count: look.count,
    });
  }
  return out;
}

/** Least threshold, in spreads of the ground. */
const LEAST_THRESHOLD = 4;

/** Thresholds worth trying: shares of the median evidence of what is clearly no ground; one more where much of that is faint. */
function thresholds(evidence: Float32Array): number[] | undefined {
  const some: number[] = [];
  for (let i = 0; i < evidence.length; i += 7) if ((evidence[i] as number) > 5) some.push(evidence[i] as number);
  if (some.length < 20) return undefined;
  some.sort((a, b) => a - b);
  const middle = some[some.length >> 1] as number;
  const high = some[Math.floor(some.length * 0.9)] as number;
  const out = [0.4, 0.6, 0.25].map((share) => Math.max(LEAST_THRESHOLD, share * middle));
  if (high > 2 * middle) out.push(0.4 * high);
  return [...new Set(out)];
}

/** More regions than this are noise or texture, not objects (200 at most are promised). */
const MOST_REGIONS = 1500;

export interface Look {
  readonly typical: number;
  readonly largest: number;
  readonly count: number;
  readonly quality: number;
  readonly labels: Int32Array;
  /** Entry i has label i + 1. */
  readonly regions: readonly Region[];
}

/** What a threshold leads to; twice, because closing holes and splitting go better once the size is known. */
export function lookAt(evidence: Float32Array, width: number, height: number, threshold: number, hint?: number): Look | undefined {
  let typical = hint;
  let regions: Region[] = [];
  let labels: Int32Array = new Int32Array(0);
  for (let round = hint === undefined ? 0 : 1; round < 2; round++) {
    const mask = solidMask(evidence, width, height, typical === undefined ? { threshold } : { threshold, typical });
    const split = splitMask(mask, distanceTo(mask), typical === undefined ? undefined : discArea(typical));
    regions = split.regions;
    if (regions.length > MOST_REGIONS) return undefined;
    labels = split.labels;
    typical = typicalSize(regions);
    if (typical === undefined) return undefined;
  }
  const size = typical as number;
  const objects = regions.filter((r) => r.area > 0.35 * discArea(size) && r.area < 2.5 * discArea(size) && r.solidity > 0.85);
  let good = 0;
  let all = 0;
  for (const r of regions) {
    all += r.area;
    const shape = Math.min(1, Math.max(0, (r.solidity - 0.75) / 0.17));
    const ratio = Math.abs(Math.log(r.area / discArea(size)));
    const fit = Math.min(1, Math.max(0, 1.5 - ratio / Math.log(4)));
    good += r.area * shape * fit * plausible(r, width, height);
  }
  const largest = objects.reduce((most, r) => Math.max(most, r.x1 - r.x0 + 1, r.y1 - r.y0 + 1), 0);
  return { typical: size, largest: Math.min(largest, 2.5 * size), count: objects.length, quality: good / all, labels, regions };
}

/** Objects are at most a quarter of the shorter side wide, and seldom cut by the edge. */
function plausible(r: Region, width: number, height: number): number {
  const extent = Math.max(r.x1 - r.x0, r.y1 - r.y0) / Math.min(width, height);
  const size = Math.min(1, Math.max(0, (0.9 - extent) / 0.4));
  return size * (atEdge(r, width, height) ? 0.6 : 1);
}

/** Share of what is unlike the ground, in any direction, that lies in the mask; what may be a cast shadow counts little. */
function explained({ planes }: Residual, labels: Int32Array, threshold: number): number {
  const [light, red, blue] = planes;
  let inside = 0;
  let outside = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 0) {
      inside++;
      continue;
    }
    const l = light[i] as number;
    const colour = (red[i] as number) ** 2 + (blue[i] as number) ** 2;
    if (l * l + colour <= threshold * threshold) continue;
    outside += l < 0 && colour < 0.15 * l * l ? 0.3 : 1;
  }
  return inside / (inside + outside);
}

/** Diameter of the disc with the area that a typical object has: the area at which half of the foreground is in smaller regions. */
export function typicalSize(regions: readonly Region[]): number | undefined {
  const areas = regions.map((r) => r.area).sort((a, b) => a - b);
  const total = areas.reduce((sum, a) => sum + a, 0);
  if (total === 0) return undefined;
  let seen = 0;
  let weighted = 0;
  for (const a of areas) {
    seen += a;
    if (seen >= total / 2) {
      weighted = a;
      break;
    }
  }
  const likely = areas.filter((a) => a > 0.15 * weighted);
  return Math.sqrt((4 / Math.PI) * (likely[likely.length >> 1] as number));
}
