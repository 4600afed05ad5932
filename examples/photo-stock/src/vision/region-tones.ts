/** What regions look like on average, against the ground. */
import type { Residual } from "./evidence.ts";
import type { Region } from "./split.ts";

export interface RegionTone {
  /** Mean lightness and colour ratios against the ground, in spreads. */
  readonly tone: readonly [number, number, number];
  /** Mean evidence. */
  readonly strength: number;
}

/** Entry i is of label i + 1. */
export function tonesOf(labels: Int32Array, regions: readonly Region[], { planes }: Residual, evidence: Float32Array): RegionTone[] {
  const sums = new Float64Array(4 * regions.length);
  const [light, red, blue] = planes;
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l === 0) continue;
    const at = 4 * (l - 1);
    sums[at]! += light[i] as number;
    sums[at + 1]! += red[i] as number;
    sums[at + 2]! += blue[i] as number;
    sums[at + 3]! += evidence[i] as number;
  }
  return regions.map(({ area }, r) => {
    const mean = (k: number): number => (sums[4 * r + k] as number) / area;
    return { tone: [mean(0), mean(1), mean(2)], strength: mean(3) };
  });
}

/** Do all differ from the ground in the same direction? 1: all alike; low: objects and, say, their shadows side by side. */
export function likeness(tones: readonly RegionTone[], regions: readonly Region[]): number {
  const total: [number, number, number] = [0, 0, 0];
  let area = 0;
  for (const [r, { tone }] of tones.entries()) {
    const size = (regions[r] as Region).area;
    area += size;
    for (let k = 0; k < 3; k++) total[k]! += (size * (tone[k] as number)) / (Math.hypot(...tone) + 1e-9);
  }
  return Math.hypot(...total) / (area + 1e-9);
}

/** Strength of the region in which half of the foreground is reached, weakest first. */
export function usualStrength(tones: readonly RegionTone[], regions: readonly Region[]): number {
  const order = tones.map((t, r) => ({ strength: t.strength, area: (regions[r] as Region).area })).sort((a, b) => a.strength - b.strength);
  let left = order.reduce((sum, o) => sum + o.area, 0) / 2;
  for (const o of order) {
    left -= o.area;
    if (left <= 0) return o.strength;
  }
  return 0;
}
