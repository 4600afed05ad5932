/**
 * `node dist/measure.js [first seed] [count]`: how well made knees are measured, one line each, then the summary that the
 * README quotes. The seeds from 1,000 on were looked at by nobody while the algorithm was made.
 */
import { realpathSync } from "node:fs";
import { analyse, labels } from "./anatomy/analyse.ts";
import { randomScan, type ScannedKnee } from "./phantom/scan.ts";
import { upright } from "./volume/orient.ts";

export interface Score {
  /** Overlap with the truth, 0 to 1. */
  readonly dice: Readonly<Record<keyof typeof labels, number>>;
  /** Mean thickness as found less the true one, and the mean error of a voxel, millimetres. */
  readonly meanErrorMm: { readonly femoral: number; readonly tibial: number };
  readonly voxelErrorMm: { readonly femoral: number; readonly tibial: number };
}

export async function score({ volume, truth }: ScannedKnee): Promise<Score> {
  const found = await analyse(volume, async () => {});
  const turned = (data: Float32Array) => upright({ ...volume, data }).volume.data;
  const trueLabels = turned(Float32Array.from(truth.labels));
  const trueThickness = turned(truth.thickness);
  const dice = Object.fromEntries(
    Object.entries(labels).map(([name, label]) => [name, overlap(found.labels, trueLabels, label)]),
  ) as Score["dice"];
  const femoral = compare(labels.femoralCartilage);
  const tibial = compare(labels.tibialCartilage);
  return {
    dice,
    meanErrorMm: { femoral: femoral.mean, tibial: tibial.mean },
    voxelErrorMm: { femoral: femoral.voxel, tibial: tibial.voxel },
  };

  function compare(label: number): { readonly mean: number; readonly voxel: number } {
    const [own, other, errors] = [new Mean(), new Mean(), new Mean()];
    for (let at = 0; at < trueLabels.length; at++) {
      const [is, was] = [found.labels[at] === label, trueLabels[at] === label];
      if (is) own.add(found.thickness[at] as number);
      if (was) other.add(trueThickness[at] as number);
      if (is && was) errors.add(Math.abs((found.thickness[at] as number) - (trueThickness[at] as number)));
    }
    return { mean: own.value - other.value, voxel: errors.value };
  }
}

class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
  }

  get value(): number {
    return this.#sum / Math.max(1, this.#count);
  }
}

function overlap(found: Uint8Array, truth: Float32Array, label: number): number {
  let [own, other, both] = [0, 0, 0];
  for (let at = 0; at < found.length; at++) {
    const [is, was] = [found[at] === label, truth[at] === label];
    own += is ? 1 : 0;
    other += was ? 1 : 0;
    both += is && was ? 1 : 0;
  }
  return (2 * both) / Math.max(1, own + other);
}

async function main(first: number, count: number): Promise<void> {
  const scores: Score[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const scan = randomScan(seed);
    const { plane, pixelMm, sliceMm, signalToNoise, unevenness } = scan.options;
    const result = await score(scan);
    scores.push(result);
    const values = (of: Readonly<Record<string, number>>) =>
      Object.values(of)
        .map((value) => value.toFixed(3))
        .join(" ");
    console.log(
      `${seed} ${plane} ${pixelMm}/${sliceMm} mm, noise 1/${signalToNoise.toFixed(0)}, coil ${unevenness.toFixed(2)}:`,
      `Dice ${values(result.dice)}, mean error ${values(result.meanErrorMm)} mm, voxel error ${values(result.voxelErrorMm)} mm`,
    );
  }
  const summary = (name: string, pick: (score: Score) => number) => {
    const sorted = scores.map(pick).sort((a, b) => a - b);
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    console.log(`${name}: mean ${mean.toFixed(3)}, from ${sorted[0]?.toFixed(3)} to ${sorted.at(-1)?.toFixed(3)}`);
  };
  for (const name of Object.keys(labels) as (keyof typeof labels)[]) summary(`Dice ${name}`, ({ dice }) => dice[name]);
  for (const name of ["femoral", "tibial"] as const) {
    summary(`mean thickness error ${name} (mm)`, ({ meanErrorMm }) => meanErrorMm[name]);
    summary(`voxel thickness error ${name} (mm)`, ({ voxelErrorMm }) => voxelErrorMm[name]);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename)
  await main(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 10));
