/** The network: three convolutions that halve the picture each, the mean of each channel, a readout. Its weights become an ONNX file. */
import { type Plane, Random } from "../pictures/canvas.ts";
import { kinds } from "../pictures/paint.ts";
import { Convolution, type Parameter, Readout } from "./layers.ts";
import { encodeModel, type Node, type Weights } from "./onnx-encoder.ts";

/** Pixels across of what the network looks at. */
export const tileSide = 64;

export class Network {
  readonly convolutions: readonly Convolution[];
  readonly readout: Readout;

  constructor(seed: number) {
    const random = new Random(seed);
    this.convolutions = [
      new Convolution({ from: 3, to: 8, kernel: 5 }, random),
      new Convolution({ from: 8, to: 16, kernel: 3 }, random),
      new Convolution({ from: 16, to: 24, kernel: 3 }, random),
    ];
    this.readout = new Readout(24, kinds.length, random);
  }

  get parameters(): readonly Parameter[] {
    return [...this.convolutions, this.readout].flatMap(({ weights, bias }) => [weights, bias]);
  }

  forward(tile: Plane): Float32Array {
    return this.readout.forward(this.convolutions.reduce((plane, layer) => layer.forward(plane), tile));
  }

  /** One example: adds to the slopes, answers the cross entropy. */
  learn(tile: Plane, truth: number): number {
    const probabilities = this.forward(tile);
    let slope = this.readout.backward(probabilities, truth);
    for (const layer of this.convolutions.toReversed()) slope = layer.backward(slope);
    return -Math.log(Math.max(1e-9, probabilities[truth] as number));
  }

  /** Takes any number of tiles at once: `tiles` [n, 3, 64, 64] → `kinds` [n, 3]. */
  encode(): Uint8Array {
    const weights: Weights[] = [];
    const nodes: Node[] = [];
    const add = (name: string, dims: readonly number[], { values }: Parameter): string => {
      weights.push({ name, dims, values });
      return name;
    };
    let at = "tiles";
    for (const [i, { shape, weights: w, bias }] of this.convolutions.entries()) {
      const inputs = [at, add(`w${i}`, [shape.to, shape.from, shape.kernel, shape.kernel], w), add(`b${i}`, [shape.to], bias)];
      const pad = shape.kernel >> 1;
      const attributes = { kernel_shape: [shape.kernel, shape.kernel], pads: [pad, pad, pad, pad], strides: [2, 2] };
      nodes.push({ op: "Conv", inputs, output: `conv${i}`, attributes }, { op: "Relu", inputs: [`conv${i}`], output: `relu${i}` });
      at = `relu${i}`;
    }
    const readout = [add("wr", [kinds.length, 24], this.readout.weights), add("br", [kinds.length], this.readout.bias)];
    nodes.push(
      { op: "GlobalAveragePool", inputs: [at], output: "means" },
      { op: "Flatten", inputs: ["means"], output: "flat" },
      { op: "Gemm", inputs: ["flat", ...readout], output: "scores", attributes: { transB: 1 } },
      { op: "Softmax", inputs: ["scores"], output: "kinds" },
    );
    const inputs = [{ name: "tiles", shape: ["n", 3, tileSide, tileSide] }];
    return encodeModel({ name: "kinds", inputs, outputs: [{ name: "kinds", shape: ["n", kinds.length] }], weights, nodes });
  }
}
