/** Which samples might be bare ground: the places from which fits of the ground are started. */
import type { Samples } from "./ground.ts";

/** Starting weights, the likeliest first: the frame, everything, calm places, the locally brightest and darkest. */
export function groundStarts(samples: Samples): Float64Array[] {
  const { x, y, count, rough, planes } = samples;
  const weights = (keep: (i: number) => boolean): Float64Array => Float64Array.from({ length: count }, (_, i) => (keep(i) ? 1 : 1e-9));
  const light = planes[0] as Float64Array;
  const cells = cellRanks(x, y, light, count);
  const calm = quantile(rough, 0.4);
  return [
    weights((i) => Math.max(Math.abs(x[i] as number), Math.abs(y[i] as number)) > 0.93),
    weights(() => true),
    weights((i) => (rough[i] as number) <= calm),
    weights((i) => (cells[i] as number) > 0.75),
    weights((i) => (cells[i] as number) < 0.25),
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
