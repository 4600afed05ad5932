/**
 * Takes the coil's unevenness out of a scan. In logarithms it is a smooth surface on top of a few tissue values: classes are
 * found (Otsu), what the voxels differ from their class by is fitted with a polynomial, and so on in turns, from a plane to
 * a cubic, so that a strong slope is gone before classes have to be told apart finely.
 */
import type { Triple, Volume } from "../volume/volume.ts";
import { blockMeans, percentile } from "./filters.ts";
import { type Classes, otsu } from "./otsu.ts";

export interface Evened {
  /** Scaled so that the values of one tissue are the same everywhere. */
  readonly data: Float32Array;
  /** What marrow (and fat, which is as dark) and muscle look like then. */
  readonly marrow: number;
  readonly muscle: number;
  /** Brightest place over the darkest, as found. */
  readonly unevenness: number;
}

const blockMm = 2.5;
/** Of the bright end of the scan: what is darker is air, cortical bone or tendon, and says nothing about the coil. */
const darkShare = 0.13;
const mostSamples = 12_000;
const orders = [1, 1, 2, 2, 3, 3, 3];
/** Voxels farther from their class (as a logarithm) mix two tissues. */
const outlier = 0.35;

/** Null: the scan has nothing that could be told apart. */
export function evenOut(volume: Volume): Evened | null {
  const small = blockMeans(volume, blockMm);
  const bright = percentile(small.data, 0.97);
  if (!(bright > 0)) return null;
  const samples = samplesOf(small, volume.size, bright);
  let field = new Float64Array(cubic.length);
  let classes = classesOf(samples.map(({ log }) => log));
  for (const order of orders) {
    if (!classes) return null;
    const { cuts, means } = classes;
    const system = new LeastSquares(terms(order).length);
    for (const sample of samples) {
      const flat = sample.log - fieldAt(field, sample.powers);
      const mean = means[cuts.filter((cut) => flat >= cut).length] as number;
      if (Math.abs(flat - mean) <= outlier) system.add(sample.powers, sample.log - mean);
    }
    const solved = system.solve();
    if (!solved) return null;
    field = Float64Array.from(field, (_, i) => solved[i] ?? 0);
    classes = classesOf(samples.map(({ log, powers }) => log - fieldAt(field, powers)));
  }
  if (!classes) return null;
  const { data, unevenness } = divided(volume, field, bright);
  const [marrow = 0, muscle = 0] = largestTwo(classes).map(Math.exp);
  return { data, unevenness, marrow, muscle };
}

/** Marrow, muscle, what is brighter, and what is between air and marrow. */
const classesOf = (logs: readonly number[]) => otsu(logs, Math.log(darkShare) - 0.3, 1, 4);
/** Most of a leg is marrow and fat, or muscle. */
const largestTwo = ({ means, shares }: Classes) =>
  Array.from(means.keys())
    .sort((a, b) => (shares[b] as number) - (shares[a] as number))
    .slice(0, 2)
    .map((i) => means[i] as number)
    .sort((a, b) => a - b);
const centred = (index: number, count: number) => (2 * index) / Math.max(1, count - 1) - 1;

/** Exponents of x, y and z, lowest order first, so that a lower order is a beginning of a higher one. Without the constant: that is the classes' part. */
function terms(order: number): readonly (readonly [number, number, number])[] {
  const all: [number, number, number][] = [];
  for (let total = 1; total <= order; total++)
    for (let x = total; x >= 0; x--) for (let y = total - x; y >= 0; y--) all.push([x, y, total - x - y]);
  return all;
}

const cubic = terms(3);

function fieldAt(field: Float64Array, powers: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < field.length; i++) sum += (field[i] as number) * (powers[i] as number);
  return sum;
}

interface Sample {
  readonly log: number;
  /** Of its place: one for each of `cubic`. */
  readonly powers: Float64Array;
}

/** Blocks that are not dark, evenly picked where there are very many. */
function samplesOf({ data, size: [nx, ny], block }: ReturnType<typeof blockMeans>, whole: Triple, bright: number): readonly Sample[] {
  const used = Array.from(data.keys()).filter((at) => (data[at] as number) > darkShare * bright);
  const step = Math.ceil(used.length / mostSamples);
  return used
    .filter((_, i) => i % step === 0)
    .map((at) => {
      const indices = [at % nx, Math.trunc(at / nx) % ny, Math.trunc(at / (nx * ny))];
      const [x = 0, y = 0, z = 0] = indices.map((index, axis) => centred((index + 0.5) * block[axis as 0] - 0.5, whole[axis as 0]));
      return { log: Math.log((data[at] as number) / bright), powers: Float64Array.from(cubic, ([a, b, c]) => x ** a * y ** b * z ** c) };
    });
}

/** Along a row the field is a cubic in x: four numbers per row instead of twenty terms per voxel. */
function divided(
  { data, size }: Volume,
  field: Float64Array,
  bright: number,
): { readonly data: Float32Array; readonly unevenness: number } {
  const made = new Float32Array(data.length);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let z = 0, at = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++) {
      const row = [0, 0, 0, 0];
      const [v, w] = [centred(y, size[1]), centred(z, size[2])];
      cubic.forEach(([a, b, c], i) => {
        row[a] = (row[a] as number) + (field[i] as number) * v ** b * w ** c;
      });
      const [c0, c1, c2, c3] = row as [number, number, number, number];
      for (let x = 0; x < size[0]; x++, at++) {
        const u = centred(x, size[0]);
        const log = c0 + u * (c1 + u * (c2 + u * c3));
        if (log < least) least = log;
        if (log > most) most = log;
        made[at] = (data[at] as number) / bright / Math.exp(log);
      }
    }
  return { data: made, unevenness: Math.exp(most - least) };
}

/** Normal equations; few unknowns, many rows. */
class LeastSquares {
  readonly #count: number;
  readonly #rows: Float64Array[];

  /** One unknown more than asked for: a constant, which takes up what no class explains. */
  constructor(count: number) {
    this.#count = count + 1;
    this.#rows = Array.from({ length: this.#count }, () => new Float64Array(this.#count + 1));
  }

  /** Of more factors than there are unknowns the first count. */
  add(factors: Float64Array, value: number): void {
    const last = this.#count - 1;
    for (let i = 0; i <= last; i++) {
      const row = this.#rows[i] as Float64Array;
      const factor = i === last ? 1 : (factors[i] as number);
      for (let j = 0; j < last; j++) row[j] = (row[j] as number) + factor * (factors[j] as number);
      row[last] = (row[last] as number) + factor;
      row[this.#count] = (row[this.#count] as number) + factor * value;
    }
  }

  /** Gauss with pivots; without the constant. Null: too few rows to say. */
  solve(): readonly number[] | null {
    const rows = this.#rows;
    for (let pivot = 0; pivot < this.#count; pivot++) {
      let best = pivot;
      for (let row = pivot + 1; row < this.#count; row++)
        if (Math.abs(rows[row]?.[pivot] as number) > Math.abs(rows[best]?.[pivot] as number)) best = row;
      const chosen = rows[best] as Float64Array;
      if (Math.abs(chosen[pivot] as number) < 1e-9) return null;
      rows[best] = rows[pivot] as Float64Array;
      rows[pivot] = chosen;
      for (let row = 0; row < this.#count; row++) {
        if (row === pivot) continue;
        const other = rows[row] as Float64Array;
        const factor = (other[pivot] as number) / (chosen[pivot] as number);
        if (factor !== 0) for (let i = pivot; i <= this.#count; i++) other[i] = (other[i] as number) - factor * (chosen[i] as number);
      }
    }
    return rows.slice(0, -1).map((row, i) => (row[this.#count] as number) / (row[i] as number));
  }
}
