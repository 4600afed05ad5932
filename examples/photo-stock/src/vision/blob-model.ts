/**
 * The detector that ships with the example, written as a network instead of trained.
 * From a foreground picture it computes, per pixel, `depth`: how far the ground is (a distance transform, as a ladder of
 * max-poolings of the ground), and `blob`: how much the surroundings look like one disc on bare ground, over several sizes
 * (differences of Gaussians as separable convolutions, and the best of them). Objects are about 52 pixels wide at its input.
 */
import { encodeModel, type Node, type Weights } from "./onnx-encoder.ts";

/** Width in pixels at which objects should be shown to the model. */
export const MODEL_OBJECT = 52;
/** Depths beyond this saturate: objects up to 92 pixels wide keep a peak, larger ones a plateau. */
export const MODEL_DEPTH = 46;
/** What an ideal lone disc answers in `blob`: the maximum of exp(-t / 2.56) - exp(-t). */
export const IDEAL_BLOB = 0.333;

/** Radii of discs that the blob channel looks for, in input pixels. */
const RADII = [8, 11, 15, 21, 30] as const;
/** The two Gaussians of one scale differ by this factor. */
const RATIO = 1.6;

export function buildBlobModel(): Uint8Array {
  const weights: Weights[] = [];
  const nodes: Node[] = [];
  const add = (op: string, inputs: readonly string[], output: string, attributes?: Node["attributes"]): string => {
    nodes.push(attributes === undefined ? { op, inputs, output } : { op, inputs, output, attributes });
    return output;
  };
  weights.push({ name: "one", dims: [1], values: [1] });
  depthLadder(add, weights);
  blobScales(add, weights);
  const size = (name: string, h: string, w: string) => ({ name, shape: [1, 1, h, w] });
  const graph = {
    name: "blob-detector",
    inputs: [size("foreground", "height", "width")],
    outputs: [size("depth", "height", "width"), size("blob", "half_height", "half_width")],
    weights,
    nodes,
  };
  return encodeModel(graph, "lovage-photo-stock", "Counts roughly convex objects. Built from code, MIT licence.");
}

type Add = (op: string, inputs: readonly string[], output: string, attributes?: Node["attributes"]) => string;

/** Ground grows by one pixel a rung, by turns as a cross and as a square (together an octagon); depth counts the rungs survived. */
function depthLadder(add: Add, weights: Weights[]): void {
  let ground = add("Sub", ["one", "foreground"], "ground_0");
  let reached = ground;
  for (let k = 1; k < MODEL_DEPTH; k++) {
    if (k % 2 === 0) {
      ground = add("MaxPool", [ground], `ground_${k}`, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] });
    } else {
      const across = add("MaxPool", [ground], `across_${k}`, { kernel_shape: [1, 3], pads: [0, 1, 0, 1], strides: [1, 1] });
      const down = add("MaxPool", [ground], `down_${k}`, { kernel_shape: [3, 1], pads: [1, 0, 1, 0], strides: [1, 1] });
      ground = add("Max", [across, down], `ground_${k}`);
    }
    reached = add("Add", [reached, ground], `reached_${k}`);
  }
  // Half a pixel less: the border lies between the last foreground and the first ground pixel.
  weights.push({ name: "rungs", dims: [1], values: [MODEL_DEPTH - 0.5] });
  const rough = add("Sub", ["rungs", reached], "depth_rough");
  weights.push({ name: "smooth", dims: [1, 1, 3, 3], values: [1, 2, 1, 2, 4, 2, 1, 2, 1].map((v) => v / 16) });
  add("Conv", [rough, "smooth"], "depth", { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] });
}

function blobScales(add: Add, weights: Weights[]): void {
  add("AveragePool", ["foreground"], "half", { kernel_shape: [2, 2], strides: [2, 2] });
  const scales = RADII.map((radius, s) => {
    // A disc answers best where radius² / 2 sigma² = 1.543; half resolution halves sigma.
    const sigma = radius / Math.sqrt(2 * 1.543) / 2;
    const narrow = gaussian(add, weights, `narrow_${s}`, sigma);
    const wide = gaussian(add, weights, `wide_${s}`, sigma * RATIO);
    return add("Sub", [narrow, wide], `scale_${s}`);
  });
  add("Max", scales, "blob");
}

function gaussian(add: Add, weights: Weights[], name: string, sigma: number): string {
  const reach = Math.ceil(3 * sigma);
  const taps = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = taps.reduce((sum, t) => sum + t, 0);
  const values = taps.map((t) => t / total);
  const n = values.length;
  weights.push({ name: `${name}_x`, dims: [1, 1, 1, n], values }, { name: `${name}_y`, dims: [1, 1, n, 1], values });
  const across = add("Conv", ["half", `${name}_x`], `${name}_across`, {
    kernel_shape: [1, n],
    pads: [0, reach, 0, reach],
    strides: [1, 1],
  });
  return add("Conv", [across, `${name}_y`], name, { kernel_shape: [n, 1], pads: [reach, 0, reach, 0], strides: [1, 1] });
}
