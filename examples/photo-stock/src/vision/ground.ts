/**
 * Fits the bare ground under unevenly lit objects: one smooth surface per tone plane, by robust least squares.
 * Several starting guesses are tried, because the ground may be the brighter, the darker or the smaller part of the picture;
 * which of the fits is the ground is decided elsewhere, by what the rest looks like.
 */
import type { Tone } from "./tone.ts";

/** Terms of a cubic surface in x and y, in the order of `terms`. */
const ORDERS = [1, 3, 6, 10] as const;

export interface Ground {
  /** Coefficients per tone plane, of the terms 1 x y x² xy y² x³ x²y xy² y³ with x and y in -1..1. */
  readonly surface: readonly (readonly number[])[];
  /** Spread of the bare ground around the surface, per plane. */
  readonly spread: readonly number[];
}

export interface Samples {
  readonly count: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly planes: readonly Float64Array[];
  /** Local contrast around the sample, for preferring smooth places. */
  readonly rough: Float64Array;
}

/** A regular grid of at most about `target` pixels. */
export function sample(tone: Tone, target: number): Samples {
  const { width, height, planes } = tone;
  const step = Math.max(1, Math.sqrt((width * height) / target));
  const xs: number[] = [];
  const ys: number[] = [];
  const values: number[][] = [[], [], []];
  const rough: number[] = [];
  for (let fy = step / 2; fy < height; fy += step) {
    for (let fx = step / 2; fx < width; fx += step) {
      const px = Math.floor(fx);
      const py = Math.floor(fy);
      xs.push((2 * (px + 0.5)) / width - 1);
      ys.push((2 * (py + 0.5)) / height - 1);
      for (let k = 0; k < 3; k++) values[k]!.push((planes[k] as Float32Array)[py * width + px] as number);
      rough.push(contrastAt(tone, px, py));
    }
  }
  const planesOut = values.map((v) => Float64Array.from(v));
  return { count: xs.length, x: Float64Array.from(xs), y: Float64Array.from(ys), planes: planesOut, rough: Float64Array.from(rough) };
}

function contrastAt({ width, height, planes }: Tone, x: number, y: number): number {
  const r = 3;
  const [l] = planes;
  const a = l[y * width + Math.max(0, x - r)] as number;
  const b = l[y * width + Math.min(width - 1, x + r)] as number;
  const c = l[Math.max(0, y - r) * width + x] as number;
  const d = l[Math.min(height - 1, y + r) * width + x] as number;
  return Math.abs(a - b) + Math.abs(c - d);
}

/** The surface's value at x, y in -1..1. */
export function surfaceAt(coefficients: readonly number[], x: number, y: number): number {
  const t = terms(x, y);
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum += (coefficients[i] as number) * (t[i] as number);
  return sum;
}

function terms(x: number, y: number): readonly number[] {
  return [1, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y];
}

/** Least spread assumed per plane: below this the ground is a scan or a drawing and any sensor noise would count. */
const LEAST_SPREAD = [0.012, 0.01, 0.01] as const;

/** Distance of sample i from the ground, in spreads. */
export function distanceFrom(ground: Ground, samples: Samples, i: number): number {
  let sum = 0;
  for (let k = 0; k < 3; k++) {
    const value = (samples.planes[k] as Float64Array)[i] as number;
    const d =
      (value - surfaceAt(ground.surface[k] as number[], samples.x[i] as number, samples.y[i] as number)) / (ground.spread[k] as number);
    sum += d * d;
  }
  return Math.sqrt(sum);
}

/** Grows the ground from the samples with `start` > 0: plane first, then quadratic, then cubic. */
export function fitGround(samples: Samples, start: Float64Array): Ground {
  let weights = start;
  let ground = solveAll(samples, weights, ORDERS[1]);
  for (const order of [1, 1, 1, 2, 2, 2, 2, 3, 3] as const) {
    weights = reweigh(ground, samples);
    ground = solveAll(samples, weights, ORDERS[order]);
  }
  return ground;
}

/** Tukey weights: full near the surface, nothing beyond 5 spreads. */
function reweigh(ground: Ground, samples: Samples): Float64Array {
  const out = new Float64Array(samples.count);
  for (let i = 0; i < samples.count; i++) {
    const d = distanceFrom(ground, samples, i) / 5;
    out[i] = d >= 1 ? 1e-9 : (1 - d * d) ** 2;
  }
  return out;
}

function solveAll(samples: Samples, weights: Float64Array, size: number): Ground {
  const surface = samples.planes.map((plane) => solve(samples, plane, weights, size));
  const spread = samples.planes.map((plane, k) => spreadOf(samples, plane, weights, surface[k] as number[], k));
  return { surface, spread };
}

/**
 * Standard deviation of the residual from its weighted median. For colour, from the 85 % quantile where that says more: JPEG leaves most
 * of a plain ground exactly flat in colour, with blotches between. At most twice the median's answer, or faint objects would hide in it.
 */
function spreadOf(samples: Samples, plane: Float64Array, weights: Float64Array, coefficients: readonly number[], k: number): number {
  const bins = new Float64Array(2048);
  let total = 0;
  for (let i = 0; i < samples.count; i++) {
    const w = weights[i] as number;
    if (w < 1e-6) continue;
    const r = Math.abs((plane[i] as number) - surfaceAt(coefficients, samples.x[i] as number, samples.y[i] as number));
    bins[Math.min(2047, Math.floor(r * 1024))]! += w;
    total += w;
  }
  const quantile = (share: number): number => {
    let seen = 0;
    for (let b = 0; b < 2048; b++) {
      seen += bins[b] as number;
      if (seen >= total * share) return (b + 0.5) / 1024;
    }
    return 2;
  };
  const inner = Math.max(LEAST_SPREAD[k] as number, 1.4826 * quantile(0.5));
  return k === 0 ? inner : Math.min(2 * inner, Math.max(inner, quantile(0.85) / 1.44));
}

/** Normal equations with a small ridge on the curved terms, by Gaussian elimination. */
function solve(samples: Samples, plane: Float64Array, weights: Float64Array, size: number): number[] {
  const a = Array.from({ length: size }, () => new Float64Array(size + 1));
  let total = 0;
  for (let i = 0; i < samples.count; i++) {
    const w = weights[i] as number;
    if (w < 1e-6) continue;
    total += w;
    const t = terms(samples.x[i] as number, samples.y[i] as number);
    const value = plane[i] as number;
    for (let r = 0; r < size; r++) {
      const row = a[r] as Float64Array;
      const wt = w * (t[r] as number);
      for (let c = r; c < size; c++) row[c]! += wt * (t[c] as number);
      row[size]! += wt * value;
    }
  }
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < r; c++) a[r]![c] = a[c]![r] as number;
    a[r]![r]! += total * (r < 3 ? 1e-6 : 1e-3) + 1e-9;
  }
  return eliminate(a, size);
}

function eliminate(a: Float64Array[], size: number): number[] {
  for (let p = 0; p < size; p++) {
    const pivot = a[p] as Float64Array;
    for (let r = p + 1; r < size; r++) {
      const row = a[r] as Float64Array;
      const f = (row[p] as number) / (pivot[p] as number);
      if (f === 0) continue;
      for (let c = p; c <= size; c++) row[c]! -= f * (pivot[c] as number);
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let r = size - 1; r >= 0; r--) {
    let sum = a[r]![size] as number;
    for (let c = r + 1; c < size; c++) sum -= (a[r]![c] as number) * (x[c] as number);
    x[r] = sum / (a[r]![r] as number);
  }
  return x;
}
