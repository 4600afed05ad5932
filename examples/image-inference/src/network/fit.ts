/**
 * `node dist/network/fit.js`: fits the network to painted tiles and writes `model/kinds.onnx`. Each tile is seen once, so there is nothing to
 * learn by heart. Two to three minutes on one core; the same weights each time.
 */
import { realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { contrast, toPlane } from "../pictures/canvas.ts";
import { paintedFile, toCanvas } from "../pictures/file.ts";
import { type Kind, kinds } from "../pictures/paint.ts";
import { Network, tileSide } from "./network.ts";

export interface FitOptions {
  readonly batches: number;
  /** Tiles per batch. */
  readonly batch?: number;
  readonly onBatch?: (done: number, loss: number) => void;
}

/** Seeds from here on are for tests: no tile that was learnt from has one. */
export const heldOutSeed = 50_000_000;

export async function fit({ batches, batch = 16, onBatch }: FitOptions): Promise<Network> {
  const network = new Network(7);
  const moments = network.parameters.map(({ values }) => ({
    first: new Float32Array(values.length),
    second: new Float32Array(values.length),
  }));
  for (let step = 1, seed = 1; step <= batches; step++) {
    let loss = 0;
    for (let i = 0; i < batch; seed++) {
      const truth = seed % kinds.length;
      const tile = await toCanvas(sharp(await paintedFile(kinds[truth] as Kind, seed, tileSide, tileSide)));
      // Bare paper is of no kind.
      if (contrast(tile) < 0.03) continue;
      loss += network.learn(toPlane(tile), truth);
      i += 1;
    }
    const rate = 0.004 * 0.5 * (1 + Math.cos((Math.PI * step) / (batches + 1)));
    for (const [i, { values, slopes }] of network.parameters.entries()) {
      const { first, second } = moments[i] as (typeof moments)[number];
      adam({ values, slopes, first, second, rate, step, batch });
    }
    onBatch?.(step, loss / batch);
  }
  return network;
}

interface AdamStep {
  readonly values: Float32Array;
  readonly slopes: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly rate: number;
  readonly step: number;
  readonly batch: number;
}

/** Adam with its usual constants; the slopes are cleared for the next batch. */
function adam({ values, slopes, first, second, rate, step, batch }: AdamStep): void {
  for (let i = 0; i < values.length; i++) {
    const slope = (slopes[i] as number) / batch;
    const mean = 0.9 * (first[i] as number) + 0.1 * slope;
    const square = 0.999 * (second[i] as number) + 0.001 * slope * slope;
    first[i] = mean;
    second[i] = square;
    values[i]! -= (rate * (mean / (1 - 0.9 ** step))) / (Math.sqrt(square / (1 - 0.999 ** step)) + 1e-8);
  }
  slopes.fill(0);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const batches = Number(process.argv[2] ?? 800);
  let recent = 0;
  const network = await fit({
    batches,
    onBatch(done, loss) {
      recent += loss;
      if (done % 100 !== 0) return;
      console.log(`${done} of ${batches} batches, loss ${(recent / 100).toFixed(3)}`);
      recent = 0;
    },
  });
  await writeFile(fileURLToPath(new URL("../../model/kinds.onnx", import.meta.url)), network.encode());
}
