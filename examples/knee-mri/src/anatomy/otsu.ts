/** Otsu's thresholds for any number of classes: the cuts of a histogram that leave the least spread within its parts. */

export interface Classes {
  /** Between neighbouring classes, lowest first. */
  readonly cuts: readonly number[];
  readonly means: readonly number[];
  /** Parts of the whole, 0 to 1. */
  readonly shares: readonly number[];
}

const bins = 160;

/** Looks at values between `low` and `high` only; null where there are too few for so many classes. */
export function otsu(values: Iterable<number>, low: number, high: number, classes: number): Classes | null {
  const counts = new Float64Array(bins);
  for (const value of values) {
    if (value >= low && value < high)
      counts[Math.trunc(((value - low) / (high - low)) * bins)] = (counts[Math.trunc(((value - low) / (high - low)) * bins)] as number) + 1;
  }
  // Sums up to each bin, so that a class's weight and mean cost nothing.
  const weight = new Float64Array(bins + 1);
  const moment = new Float64Array(bins + 1);
  for (let bin = 0; bin < bins; bin++) {
    weight[bin + 1] = (weight[bin] as number) + (counts[bin] as number);
    moment[bin + 1] = (moment[bin] as number) + (counts[bin] as number) * (bin + 0.5);
  }
  const total = weight[bins] as number;
  if (total < 10 * classes) return null;
  const edges = bestEdges(weight, moment, classes);
  const at = (bin: number) => low + ((high - low) * bin) / bins;
  const parts = edges.slice(1).map((to, i) => ({ from: edges[i] as number, to }));
  const weightOf = ({ from, to }: { readonly from: number; readonly to: number }) => (weight[to] as number) - (weight[from] as number);
  return {
    cuts: edges.slice(1, -1).map(at),
    means: parts.map((part) => at(((moment[part.to] as number) - (moment[part.from] as number)) / Math.max(1, weightOf(part)))),
    shares: parts.map((part) => weightOf(part) / total),
  };
}

/** Dynamic programming: the largest sum of moment² / weight, which is the smallest spread. Edges from 0 to `bins`. */
function bestEdges(weight: Float64Array, moment: Float64Array, classes: number): number[] {
  const gain = (from: number, to: number) => {
    const mass = (weight[to] as number) - (weight[from] as number);
    return mass === 0 ? 0 : ((moment[to] as number) - (moment[from] as number)) ** 2 / mass;
  };
  let best = Float64Array.from({ length: bins + 1 }, (_, to) => gain(0, to));
  const cameFrom: Int32Array[] = [];
  for (let count = 2; count <= classes; count++) {
    const next = new Float64Array(bins + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Int32Array(bins + 1);
    for (let to = count; to <= bins; to++)
      for (let cut = count - 1; cut < to; cut++) {
        const value = (best[cut] as number) + gain(cut, to);
        if (value > (next[to] as number)) {
          next[to] = value;
          from[to] = cut;
        }
      }
    cameFrom.push(from);
    best = next;
  }
  const edges = [bins];
  for (const from of cameFrom.reverse()) edges.unshift(from[edges[0] as number] as number);
  return [0, ...edges];
}
