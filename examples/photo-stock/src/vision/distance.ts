/** Exact Euclidean distance of each foreground pixel to the nearest background pixel (Felzenszwalb and Huttenlocher 2012). */
import type { Mask } from "./mask.ts";

const FAR = 1e12;

/** Distances in pixels; the picture's edge is no background, so an object cut by it keeps its depth. */
export function distanceTo(mask: Mask): Float32Array {
  const { width, height, data } = mask;
  const squared = new Float64Array(width * height);
  for (let i = 0; i < data.length; i++) squared[i] = data[i] === 0 ? 0 : FAR;
  const n = Math.max(width, height);
  const scratch = { line: new Float64Array(n), out: new Float64Array(n), at: new Int32Array(n), bound: new Float64Array(n + 1) };
  for (let x = 0; x < width; x++) pass(squared, x, width, height, scratch);
  for (let y = 0; y < height; y++) pass(squared, y * width, 1, width, scratch);
  const out = new Float32Array(width * height);
  // The border of a foreground pixel lies half a pixel before the centre of the nearest background pixel.
  for (let i = 0; i < out.length; i++) out[i] = data[i] === 0 ? 0 : Math.min(Math.sqrt(squared[i] as number), n) - 0.5;
  return out;
}

interface Scratch {
  readonly line: Float64Array;
  readonly out: Float64Array;
  readonly at: Int32Array;
  readonly bound: Float64Array;
}

/** One-dimensional squared distance transform along a row or column: the lower envelope of parabolas. */
function pass(grid: Float64Array, start: number, step: number, n: number, { line, out, at, bound }: Scratch): void {
  for (let i = 0; i < n; i++) line[i] = grid[start + i * step] as number;
  let k = 0;
  at[0] = 0;
  bound[0] = Number.NEGATIVE_INFINITY;
  bound[1] = Number.POSITIVE_INFINITY;
  for (let q = 1; q < n; q++) {
    let s = crossing(line, q, at[k] as number);
    while (s <= (bound[k] as number)) s = crossing(line, q, at[--k] as number);
    at[++k] = q;
    bound[k] = s;
    bound[k + 1] = Number.POSITIVE_INFINITY;
  }
  k = 0;
  for (let q = 0; q < n; q++) {
    while ((bound[k + 1] as number) < q) k++;
    const p = at[k] as number;
    out[q] = (q - p) * (q - p) + (line[p] as number);
  }
  for (let i = 0; i < n; i++) grid[start + i * step] = out[i] as number;
}

function crossing(line: Float64Array, q: number, p: number): number {
  return ((line[q] as number) + q * q - ((line[p] as number) + p * p)) / (2 * q - 2 * p);
}
