/**
 * Finds out what the ground is, which side of it the objects are on and how large they are: tries several answers on a
 * reduced copy and judges each by what it leads to. The right one leaves convex shapes of similar size and explains what is not ground.
 */
import { distanceTo } from "./distance.ts";
import { evidenceOf, type Polarity, type Residual, residualOf } from "./evidence.ts";
import { blur } from "./filters.ts";
import { fitGround, type Ground, type Samples, sample } from "./ground.ts";
import { atEdge } from "./mask.ts";
import { discArea, solidMask } from "./solid-mask.ts";
import { type Region, splitMask } from "./split.ts";
import type { Tone } from "./tone.ts";

/** An answer this good needs no rival: further grounds are not tried. */
const CLEAR = 0.93;

const POLARITIES = ["lighter", "darker", "either"] as const;

export interface Guess {
  readonly ground: Ground;
  readonly polarity: Polarity;
  readonly threshold: number;
  /** Diameter of a typical object and extent of the largest, in pixels of the reduced copy. */
  readonly typical: number;
  readonly largest: number;
  readonly quality: number;
  readonly count: number;
  readonly name: string;
}

/** All answers tried, the best first; empty if nothing stands out. With `only`, just answers of that polarity. */
export function guessesFor(tone: Tone, only?: Polarity): Guess[] {
  const samples = sample(tone, 8000);
  const out: Guess[] = [];
  const seen: Ground[] = [];
  for (const [name, start] of starts(samples)) {
    const ground = fitGround(samples, start);
    if (seen.some((other) => alike(ground, other, samples))) continue;
    seen.push(ground);
    const residual = residualOf(tone, ground);
    if (out.some((guess) => guess.quality > CLEAR)) break;
    for (const polarity of only === undefined ? POLARITIES : [only]) out.push(...judge(residual, ground, polarity, `${name}/${polarity}`));
  }
  return out.sort((a, b) => b.quality - a.quality);
}

function judge(residual: Residual, ground: Ground, polarity: Polarity, name: string): Guess[] {
  const { width, height } = residual;
  const evidence = blur(evidenceOf(residual, polarity), width, height, 0.7);
  const unexplained = evidenceOf(residual, "either");
  const strong = strength(evidence);
  if (strong === undefined) return [];
  const out: Guess[] = [];
  for (const share of [0.25, 0.4, 0.6]) {
    const threshold = Math.max(4, share * strong);
    const look = lookAt(evidence, width, height, threshold);
    if (look === undefined) continue;
    const quality = look.quality * explained(unexplained, look.labels, threshold);
    out.push({
      ground,
      polarity,
      threshold,
      typical: look.typical,
      largest: look.largest,
      quality,
      count: look.count,
      name: `${name}/${share}`,
    });
  }
  return out;
}

/** Median evidence of what is clearly no ground, or nothing if all is ground. */
function strength(evidence: Float32Array): number | undefined {
  const some: number[] = [];
  for (let i = 0; i < evidence.length; i += 7) if ((evidence[i] as number) > 5) some.push(evidence[i] as number);
  if (some.length < 20) return undefined;
  some.sort((a, b) => a - b);
  return some[some.length >> 1] as number;
}

function lookAt(evidence: Float32Array, width: number, height: number, threshold: number) {
  let typical: number | undefined;
  let regions: Region[] = [];
  let labels = new Int32Array(0);
  for (let round = 0; round < 2; round++) {
    const mask = solidMask(evidence, width, height, typical === undefined ? { threshold } : { threshold, typical });
    const split = splitMask(mask, distanceTo(mask), typical === undefined ? undefined : discArea(typical));
    regions = split.regions;
    labels = split.labels as Int32Array<ArrayBuffer>;
    typical = typicalSize(regions);
    if (typical === undefined) return undefined;
  }
  const size = typical as number;
  const objects = regions.filter((r) => r.area > 0.15 * discArea(size));
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
  return { typical: size, largest: Math.min(largest, 2.5 * size), count: objects.length, quality: good / all, labels };
}

/** Objects are at most a quarter of the shorter side wide, and seldom cut by the edge. */
function plausible(r: Region, width: number, height: number): number {
  const extent = Math.max(r.x1 - r.x0, r.y1 - r.y0) / Math.min(width, height);
  const size = Math.min(1, Math.max(0, (0.9 - extent) / 0.4));
  return size * (atEdge(r, width, height) ? 0.6 : 1);
}

/** Share of what is unlike the ground, in any direction, that lies in the mask. */
function explained(evidence: Float32Array, labels: Int32Array, threshold: number): number {
  let inside = 0;
  let outside = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 0) inside++;
    else if ((evidence[i] as number) > threshold) outside++;
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

function alike(a: Ground, b: Ground, samples: Samples): boolean {
  let sum = 0;
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < (a.surface[k]?.length ?? 0); i++) {
      sum += Math.abs((a.surface[k]?.[i] ?? 0) - (b.surface[k]?.[i] ?? 0)) / Math.min(a.spread[k] as number, b.spread[k] as number);
    }
  }
  return sum < 1 && samples.count > 0;
}

/** Samples to start a fit from, by name: which pixels might be bare ground. */
function starts(samples: Samples): [string, Float64Array][] {
  const { x, y, count, rough, planes } = samples;
  const weights = (keep: (i: number) => boolean): Float64Array => Float64Array.from({ length: count }, (_, i) => (keep(i) ? 1 : 1e-9));
  const light = planes[0] as Float64Array;
  const cells = cellRanks(x, y, light, count);
  const calm = quantile(rough, 0.4);
  return [
    ["border", weights((i) => Math.max(Math.abs(x[i] as number), Math.abs(y[i] as number)) > 0.93)],
    ["all", weights(() => true)],
    ["calm", weights((i) => (rough[i] as number) <= calm)],
    ["bright", weights((i) => (cells[i] as number) > 0.75)],
    ["dark", weights((i) => (cells[i] as number) < 0.25)],
  ];
}

/** Rank, 0 to 1, of each sample's lightness among its cell of a 5 x 5 grid. */
function cellRanks(x: Float64Array, y: Float64Array, light: Float64Array, count: number): Float64Array {
  const cells = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const cell = Math.floor((((x[i] as number) + 1) / 2) * 5) * 5 + Math.floor((((y[i] as number) + 1) / 2) * 5);
    const list = cells.get(cell);
    if (list === undefined) cells.set(cell, [i]);
    else list.push(i);
  }
  const ranks = new Float64Array(count);
  for (const list of cells.values()) {
    list.sort((a, b) => (light[a] as number) - (light[b] as number));
    for (const [rank, i] of list.entries()) ranks[i] = rank / list.length;
  }
  return ranks;
}

function quantile(values: Float64Array, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(q * (sorted.length - 1))] as number;
}
