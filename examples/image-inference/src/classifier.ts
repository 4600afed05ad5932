/**
 * Says what kind of picture one is. The picture is cut into tiles, the network looks at all of them in one run, and those that show
 * something vote with their probabilities. The session is made once per process: `setup` of the task does it before the first job.
 */
import { InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";
import { tileSide } from "./network/network.ts";
import { type Canvas, contrast, toPlane } from "./pictures/canvas.ts";
import { type Kind, kinds } from "./pictures/paint.ts";

export interface Tile {
  /** Left and top in the picture that was looked at. */
  readonly x: number;
  readonly y: number;
  readonly kind: Kind;
  readonly probability: number;
}

export interface Prediction {
  readonly kind: Kind;
  /** Of each kind; they add up to 1. */
  readonly probabilities: Readonly<Record<Kind, number>>;
  /** Those that show something. */
  readonly tiles: readonly Tile[];
}

/** A tile with less deviation of brightness than this is bare ground: it has no vote. */
const bareBelow = 0.015;

export class Classifier {
  readonly device: "cuda" | "cpu";
  readonly #session: InferenceSession;

  /** On the first CUDA device that `CUDA_VISIBLE_DEVICES` shows, where there is one that works; else on the CPU. */
  static async load(model: string): Promise<Classifier> {
    // The queue says how many runners there are: a session must not take all cores. Level 3: errors only.
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
    if (process.env.CUDA_VISIBLE_DEVICES && listSupportedBackends().some(({ name }) => name === "cuda")) {
      try {
        return new Classifier(await InferenceSession.create(model, { ...options, executionProviders: ["cuda"] }), "cuda");
      } catch {
        // The provider is there and the device is not.
      }
    }
    return new Classifier(await InferenceSession.create(model, { ...options, executionProviders: ["cpu"] }), "cpu");
  }

  private constructor(session: InferenceSession, device: "cuda" | "cpu") {
    this.#session = session;
    this.device = device;
  }

  async classify(canvas: Canvas): Promise<Prediction> {
    const cut = tilesOf(canvas);
    const telling = cut.filter(({ tile }) => contrast(tile) >= bareBelow);
    const shown = telling.length > 0 ? telling : cut;
    const area = 3 * tileSide * tileSide;
    const input = new Float32Array(shown.length * area);
    for (const [i, { tile }] of shown.entries()) input.set(toPlane(tile).data, i * area);
    const { kinds: answer } = await this.#session.run({ tiles: new Tensor("float32", input, [shown.length, 3, tileSide, tileSide]) });
    const values = answer?.data as Float32Array;
    const tiles = shown.map(({ x, y }, i): Tile => {
      const row = Array.from(values.subarray(i * kinds.length, (i + 1) * kinds.length));
      const best = row.indexOf(Math.max(...row));
      return { x, y, kind: kinds[best] as Kind, probability: row[best] as number };
    });
    const means = kinds.map((_, k) => tiles.reduce((sum, _tile, i) => sum + (values[i * kinds.length + k] as number), 0) / tiles.length);
    const best = kinds[means.indexOf(Math.max(...means))] as Kind;
    return {
      kind: best,
      probabilities: Object.fromEntries(kinds.map((kind, k) => [kind, round(means[k] as number)])) as Record<Kind, number>,
      tiles,
    };
  }
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** As many as cover the picture, spread evenly, so that those of a row may overlap; one, mirrored at its edges, of a smaller picture. */
function tilesOf(canvas: Canvas): readonly { readonly x: number; readonly y: number; readonly tile: Canvas }[] {
  const starts = (length: number): readonly number[] => {
    const count = Math.max(1, Math.ceil(length / tileSide));
    return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - tileSide)) / (count - 1))));
  };
  return starts(canvas.height).flatMap((y) => starts(canvas.width).map((x) => ({ x, y, tile: cutOut(canvas, x, y) })));
}

function cutOut({ width, height, data }: Canvas, x: number, y: number): Canvas {
  const tile = new Float32Array(tileSide * tileSide * 3);
  for (let row = 0; row < tileSide; row++) {
    for (let column = 0; column < tileSide; column++) {
      const from = (mirrored(y + row, height) * width + mirrored(x + column, width)) * 3;
      tile.set(data.subarray(from, from + 3), (row * tileSide + column) * 3);
    }
  }
  return { width: tileSide, height: tileSide, data: tile };
}

/** 0 … length - 1, and back, and forth again. */
function mirrored(at: number, length: number): number {
  const place = at % (2 * length);
  return place < length ? place : 2 * length - 1 - place;
}
