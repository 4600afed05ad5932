/**
 * Splits a mask into single objects. Pixels are taken from deep to shallow: a pixel without labelled neighbours starts a region,
 * others join one, and where two regions meet (the neck) they are joined if the neck is about as deep as the shallower of them.
 * What is left apart is then joined again where the two together are convex, as one object with a notch is and two touching ones are not.
 */
import { hullArea, joinSpans } from "./convex-hull.ts";
import { type Component, type Mask, measure } from "./mask.ts";

export interface Region extends Component {
  /** Greatest distance to the ground, about the smaller half-axis of the object. */
  readonly depth: number;
  readonly solidity: number;
}

export interface Split {
  readonly labels: Int32Array;
  readonly regions: Region[];
}

interface Neck {
  readonly a: number;
  readonly b: number;
  readonly depth: number;
}

/** A neck deeper than this share of the shallower side is no neck. */
const SAME = 0.88;
/** Two regions that together fill this share of their hull are one object; a pair of discs fills 0.88 to 0.91. */
const CONVEX = 0.935;

/** With `typicalArea`, two typical objects are kept apart more readily and two halves of one joined more readily. */
export function splitMask(mask: Mask, depth: Float32Array, typicalArea?: number): Split {
  const flood = floodFrom(mask, depth);
  const merged = mergeConvex(mask, flood, typicalArea);
  return compact(mask, flood, merged);
}

interface Flood {
  readonly labels: Int32Array;
  readonly peaks: number[];
  readonly parent: number[];
  readonly necks: Map<number, Neck>;
}

function floodFrom(mask: Mask, depth: Float32Array): Flood {
  const { width, height, data } = mask;
  const labels = new Int32Array(width * height);
  const peaks: number[] = [0];
  const parent: number[] = [0];
  const necks = new Map<number, Neck>();
  for (const p of byDepth(data, depth)) {
    const x = p % width;
    const y = (p - x) / width;
    const d = depth[p] as number;
    let own = 0;
    for (let n = 0; n < 8; n++) {
      const nx = x + (DX[n] as number);
      const ny = y + (DY[n] as number);
      if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
      const other = find(parent, labels[ny * width + nx] as number);
      if (other === 0 || other === own) continue;
      own = own === 0 ? other : meet(own, other, d, peaks, parent, necks);
    }
    if (own === 0) {
      own = peaks.length;
      peaks.push(d);
      parent.push(own);
    }
    labels[p] = own;
  }
  return { labels, peaks, parent, necks };
}

const DX = [-1, 1, 0, 0, -1, 1, -1, 1];
const DY = [0, 0, -1, 1, -1, -1, 1, 1];

/** Two regions meet at depth d: one of them from now on, or a neck to remember. Returns the label for the meeting pixel. */
function meet(a: number, b: number, d: number, peaks: number[], parent: number[], necks: Map<number, Neck>): number {
  const shallow = Math.min(peaks[a] as number, peaks[b] as number);
  const deeper = (peaks[a] as number) >= (peaks[b] as number) ? a : b;
  const other = deeper === a ? b : a;
  if (d >= SAME * shallow || shallow - d < 0.75) {
    parent[other] = deeper;
    return deeper;
  }
  const key = Math.min(a, b) * 1e6 + Math.max(a, b);
  if (!necks.has(key)) necks.set(key, { a, b, depth: d });
  return a;
}

function find(parent: number[], label: number): number {
  let l = label;
  while (parent[l] !== l) {
    parent[l] = parent[parent[l] as number] as number;
    l = parent[l] as number;
  }
  return l;
}

/** Indices of the foreground, deepest first, by counting sort in steps of 1/16 pixel. */
function byDepth(data: Uint8Array, depth: Float32Array): Int32Array {
  let deepest = 0;
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    count++;
    if ((depth[i] as number) > deepest) deepest = depth[i] as number;
  }
  const bins = Math.ceil(deepest * 16) + 2;
  const start = new Int32Array(bins + 1);
  const bin = (i: number): number => bins - 1 - Math.max(0, Math.round((depth[i] as number) * 16));
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) start[bin(i) + 1]!++;
  for (let b = 0; b < bins; b++) start[b + 1]! += start[b] as number;
  const out = new Int32Array(count);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) out[start[bin(i)]!++] = i;
  return out;
}

/** Joins, deepest neck first, every two regions that make one convex shape. Returns the new parents. */
function mergeConvex(mask: Mask, flood: Flood, typicalArea: number | undefined): number[] {
  const { labels, parent, peaks } = flood;
  for (let i = 0; i < labels.length; i++) labels[i] = find(parent, labels[i] as number);
  const shapes = measure(labels, mask.width, mask.height, peaks.length - 1);
  const area = [0, ...shapes.map((s) => s.area)];
  const spans = [undefined, ...shapes.map((s) => s.spans)];
  const into = peaks.map((_, i) => i);
  const necks = [...flood.necks.values()].sort((x, y) => y.depth - x.depth);
  for (let again = true; again; ) {
    again = false;
    for (const neck of necks) {
      const a = find(into, find(parent, neck.a));
      const b = find(into, find(parent, neck.b));
      const [sa, sb] = [spans[a], spans[b]];
      if (a === b || sa === undefined || sb === undefined) continue;
      const joined = joinSpans(sa, sb);
      const fill = ((area[a] as number) + (area[b] as number)) / hullArea(joined);
      const ratio = neck.depth / Math.min(peaks[a] as number, peaks[b] as number);
      const [small, large] = [area[a] as number, area[b] as number].sort((x, y) => x - y) as [number, number];
      if (!oneObject(fill, ratio, small, large, typicalArea)) continue;
      const [keep, drop] = (peaks[a] as number) >= (peaks[b] as number) ? [a, b] : [b, a];
      into[drop] = keep;
      area[keep]! += area[drop] as number;
      spans[keep] = joined;
      again = true;
    }
  }
  return into;
}

/**
 * Is a pair with this share of its hull and this neck (as a share of the shallower side) one object with a notch?
 * Depth is concave inside a convex shape, so any neck means a pair or a damaged outline; the sizes say which is likelier.
 */
function oneObject(fill: number, ratio: number, small: number, large: number, typicalArea: number | undefined): boolean {
  if (typicalArea !== undefined) {
    const sum = (small + large) / typicalArea;
    if (sum > 1.45 && small / typicalArea > 0.4) return ratio > 0.85 && fill > CONVEX;
    if (sum < 1.2) return fill > 0.87 || ratio > 0.75;
  }
  return fill > CONVEX || (fill > 0.9 && ratio > 0.7);
}

function compact(mask: Mask, flood: Flood, into: number[]): Split {
  const { labels, peaks, parent } = flood;
  const renumber = new Int32Array(peaks.length);
  const depths: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const l = find(into, find(parent, labels[i] as number));
    if (renumber[l] === 0) renumber[l] = depths.push(peaks[l] as number);
    labels[i] = renumber[l] as number;
  }
  const regions = measure(labels, mask.width, mask.height, depths.length).map((c, i) => ({
    ...c,
    depth: depths[i] as number,
    solidity: c.area / hullArea(c.spans),
  }));
  return { labels, regions };
}
