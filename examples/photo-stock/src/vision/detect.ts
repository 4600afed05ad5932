/**
 * Finds the objects of one slice: crop, compare with the ground, run the network, cut objects out. Needs nothing but the photo,
 * the segmentation and the slice, so slices can run in any process, in any order, twice.
 */
import { IDEAL_BLOB, MODEL_DEPTH } from "./blob-model.ts";
import { withoutDoubtful } from "./doubtful.ts";
import { evidenceOf, type Placement, type Residual, residualOf } from "./evidence.ts";
import { blur } from "./filters.ts";
import type { Mask } from "./mask.ts";
import { currentModel, type Model, type ModelInput, type Output, type Plane } from "./model.ts";
import { readScaled } from "./photo.ts";
import { PhotoError } from "./photo-error.ts";
import { tonesOf } from "./region-tones.ts";
import { type Found, foundIn } from "./resplit.ts";
import type { Rgb } from "./rgb.ts";
import type { Detection, Segmentation, Slice } from "./segmentation.ts";
import { discArea, solidMask } from "./solid-mask.ts";
import { splitMask } from "./split.ts";
import { toneOf } from "./tone.ts";

/** A user's model that gives no better score than this saw nothing. */
const LEAST_SCORE = 0.25;

export interface DetectOptions {
  /** The model to ask; the one this process loaded last, if not given. */
  readonly model?: Model;
  /** Ends the work at the next stage. */
  readonly signal?: AbortSignal;
}

export async function detectSlice(
  path: string,
  segmentation: Segmentation,
  slice: Slice,
  options: DetectOptions = {},
): Promise<Detection[]> {
  const model = await (options.model ?? currentModel());
  options.signal?.throwIfAborted();
  const { working } = segmentation;
  const crop = await readScaled(path, working.width, working.height, slice);
  options.signal?.throwIfAborted();
  const prepared = prepare(crop, segmentation, slice, model);
  options.signal?.throwIfAborted();
  const answer = await model.run(prepared.planes, slice.width, slice.height);
  const found = model.kind === "boxes" ? readBoxes(answer) : cutOut(prepared, answer, segmentation);
  return found.filter((f) => belongs(f, slice, segmentation)).map((f) => toPhoto(f, slice, segmentation));
}

interface Boxed {
  readonly x0: number;
  readonly y0: number;
  /** Exclusive. */
  readonly x1: number;
  readonly y1: number;
  readonly score: number;
}

interface Prepared {
  readonly mask: Mask;
  readonly residual: Residual;
  readonly evidence: Float32Array;
  readonly planes: Partial<Record<ModelInput, Plane>>;
}

function prepare(crop: Rgb, segmentation: Segmentation, slice: Slice, model: Model): Prepared {
  const { width, height } = crop;
  const { working, ground, sense, threshold, smooth, typicalWorking } = segmentation;
  const at: Placement = { left: slice.x, top: slice.y, fullWidth: working.width, fullHeight: working.height };
  const residual = residualOf(toneOf(crop, smooth), ground, at);
  const evidence = blur(evidenceOf(residual, sense), width, height, 0.7 * smooth);
  const mask = solidMask(evidence, width, height, { threshold, typical: typicalWorking });
  const planes: Partial<Record<ModelInput, Plane>> = {};
  for (const name of model.inputs) {
    if (name === "foreground") planes[name] = { channels: 1, data: Float32Array.from(mask.data) };
    if (name === "image") planes[name] = imagePlane(crop);
  }
  return { mask, residual, evidence, planes };
}

/** Red, green, blue planes in 0..1. */
function imagePlane({ width, height, data }: Rgb): Plane {
  const n = width * height;
  const out = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) for (let k = 0; k < 3; k++) out[k * n + i] = (data[3 * i + k] as number) / 255;
  return { channels: 3, data: out };
}

function cutOut({ mask, evidence, residual }: Prepared, answer: Readonly<Record<string, Output>>, segmentation: Segmentation): Boxed[] {
  const { threshold, typicalWorking, strength } = segmentation;
  const depth = (answer.depth as Output).data;
  if (depth.length !== mask.data.length) {
    throw new PhotoError(
      "MODEL_UNUSABLE",
      `The model's "depth" has ${depth.length} values for ${mask.width} x ${mask.height} pixels. It must answer one per pixel.`,
    );
  }
  const split = splitMask(mask, depth, discArea(typicalWorking));
  const tones = tonesOf(split.labels, split.regions, residual, evidence);
  const found = foundIn(split, tones, evidence, mask.width, threshold, typicalWorking);
  return withoutDoubtful(found, typicalWorking, strength).map((f) => ({
    x0: f.x0,
    y0: f.y0,
    x1: f.x1,
    y1: f.y1,
    score: scoreOf(f, answer.blob, mask),
  }));
}

/** The blob answer at the object's middle against that of an ideal lone disc, lowered for ragged shapes. */
function scoreOf(region: Found, blob: Output | undefined, mask: Mask): number {
  const shape = Math.min(1, region.solidity);
  if (blob === undefined || region.depth > MODEL_DEPTH - 2) return shape;
  const w = mask.width >> 1;
  const x = Math.min(w - 1, (region.x0 + region.x1) >> 2);
  const y = Math.min((mask.height >> 1) - 1, (region.y0 + region.y1) >> 2);
  const answer = Math.min(1, Math.max(0, (blob.data[y * w + x] ?? 0) / IDEAL_BLOB));
  return shape * (0.5 + 0.5 * answer);
}

/** A user's model: `boxes` [n, 4] as x0 y0 x1 y1 in input pixels, `scores` [n]; a leading batch dimension of 1 is fine. */
function readBoxes(answer: Readonly<Record<string, Output>>): Boxed[] {
  const boxes = answer.boxes as Output;
  const scores = answer.scores as Output;
  if (boxes.data.length !== 4 * scores.data.length) {
    throw new PhotoError(
      "MODEL_UNUSABLE",
      `The model answered ${boxes.data.length} box values for ${scores.data.length} scores. It must answer four per score.`,
    );
  }
  const out: Boxed[] = [];
  for (let i = 0; i < scores.data.length; i++) {
    const score = scores.data[i] as number;
    const [x0, y0, x1, y1] = boxes.data.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    if (score >= LEAST_SCORE && x1 > x0 && y1 > y0) out.push({ x0, y0, x1, y1, score: Math.min(1, score) });
  }
  return out;
}

/** Centred in the slice's core, or so near to it that the neighbour may just disagree; the merge drops what both report. */
function belongs(f: Boxed, slice: Slice, { typicalWorking }: Segmentation): boolean {
  const band = 0.2 * typicalWorking;
  const cx = (f.x0 + f.x1) / 2 + slice.x;
  const cy = (f.y0 + f.y1) / 2 + slice.y;
  const { x, y, width, height } = slice.core;
  return cx >= x - band && cy >= y - band && cx <= x + width + band && cy <= y + height + band;
}

function toPhoto(f: Boxed, slice: Slice, { width, height, working }: Segmentation): Detection {
  const sx = width / working.width;
  const sy = height / working.height;
  const x = Math.max(0, Math.round((f.x0 + slice.x) * sx));
  const y = Math.max(0, Math.round((f.y0 + slice.y) * sy));
  const right = Math.min(width, Math.round((f.x1 + slice.x) * sx));
  const bottom = Math.min(height, Math.round((f.y1 + slice.y) * sy));
  return { box: [x, y, Math.max(1, right - x), Math.max(1, bottom - y)], score: Math.round(f.score * 1000) / 1000 };
}
