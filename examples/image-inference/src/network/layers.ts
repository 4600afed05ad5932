/** The few layers the network is made of, forward and backward, for fitting it. Inference is onnxruntime's. */
import type { Plane, Random } from "../pictures/canvas.ts";

/** Values and the slope of the loss over each, summed over a batch. */
export interface Parameter {
  readonly values: Float32Array;
  readonly slopes: Float32Array;
}

export interface ConvolutionShape {
  readonly from: number;
  readonly to: number;
  /** Pixels across. */
  readonly kernel: number;
}

/** Every second pixel, with a border of `kernel >> 1` zeros, then whatever is negative becomes 0. */
export class Convolution {
  readonly shape: ConvolutionShape;
  readonly weights: Parameter;
  readonly bias: Parameter;
  #input: Plane | undefined;
  #output: Plane | undefined;

  constructor(shape: ConvolutionShape, random: Random) {
    this.shape = shape;
    const inputs = shape.from * shape.kernel ** 2;
    const spread = Math.sqrt(2 / inputs);
    this.weights = parameter(Float32Array.from({ length: shape.to * inputs }, () => random.bell() * spread));
    this.bias = parameter(new Float32Array(shape.to));
  }

  forward(input: Plane): Plane {
    const { to } = this.shape;
    const [height, width] = [(input.height + 1) >> 1, (input.width + 1) >> 1];
    const data = new Float32Array(to * height * width);
    for (let c = 0; c < to; c++) data.fill(this.bias.values[c] as number, c * height * width, (c + 1) * height * width);
    const output = { channels: to, height, width, data };
    const { values } = this.weights;
    this.#eachTap(input, output, (w, from, at, count) => {
      const weight = values[w] as number;
      for (let i = 0; i < count; i++) data[at + i] = (data[at + i] as number) + weight * (input.data[from + 2 * i] as number);
    });
    for (let i = 0; i < data.length; i++) if ((data[i] as number) < 0) data[i] = 0;
    this.#input = input;
    this.#output = output;
    return output;
  }

  /** Takes the slope of the loss over the last output; adds to the parameters' slopes; answers the slope over its input. */
  backward(slope: Float32Array): Float32Array {
    const [input, output] = [this.#input, this.#output];
    if (!input || !output) throw new Error("backward() needs a forward() before it");
    const area = output.height * output.width;
    for (let i = 0; i < slope.length; i++) {
      if (output.data[i] === 0) slope[i] = 0;
      else this.bias.slopes[Math.floor(i / area)]! += slope[i] as number;
    }
    const below = new Float32Array(input.data.length);
    const { values, slopes } = this.weights;
    this.#eachTap(input, output, (w, from, at, count) => {
      const weight = values[w] as number;
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const s = slope[at + i] as number;
        sum += s * (input.data[from + 2 * i] as number);
        below[from + 2 * i] = (below[from + 2 * i] as number) + weight * s;
      }
      slopes[w]! += sum;
    });
    return below;
  }

  /** Calls `row` for each weight and each row of the output that it touches: the indices of weight, first input and first output, and how many. */
  #eachTap(input: Plane, output: Plane, row: (weight: number, from: number, at: number, count: number) => void): void {
    const { from, to, kernel } = this.shape;
    const border = kernel >> 1;
    for (let o = 0, w = 0; o < to; o++) {
      for (let c = 0; c < from; c++) {
        for (let ky = 0; ky < kernel; ky++) {
          for (let kx = 0; kx < kernel; kx++, w++) {
            const shift = kx - border;
            const first = shift < 0 ? (1 - shift) >> 1 : 0;
            const last = Math.min(output.width - 1, (input.width - 1 - shift) >> 1);
            for (let y = 0; y < output.height; y++) {
              const fromY = 2 * y + ky - border;
              if (fromY < 0 || fromY >= input.height) continue;
              const start = (c * input.height + fromY) * input.width + 2 * first + shift;
              row(w, start, (o * output.height + y) * output.width + first, last - first + 1);
            }
          }
        }
      }
    }
  }
}

/** The mean of each channel, then a weighted sum of them per class, as probabilities. */
export class Readout {
  readonly weights: Parameter;
  readonly bias: Parameter;
  readonly classes: number;
  #means: Float32Array = new Float32Array();
  #area = 1;

  constructor(channels: number, classes: number, random: Random) {
    this.classes = classes;
    this.weights = parameter(Float32Array.from({ length: classes * channels }, () => random.bell() / Math.sqrt(channels)));
    this.bias = parameter(new Float32Array(classes));
  }

  forward({ channels, height, width, data }: Plane): Float32Array {
    this.#area = height * width;
    this.#means = Float32Array.from({ length: channels }, (_, c) => {
      let sum = 0;
      for (let i = c * this.#area; i < (c + 1) * this.#area; i++) sum += data[i] as number;
      return sum / this.#area;
    });
    const scores = Array.from(this.bias.values, (bias, k) =>
      this.#means.reduce((sum, mean, c) => sum + mean * (this.weights.values[k * channels + c] as number), bias),
    );
    const most = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - most));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return Float32Array.from(powers, (power) => power / total);
  }

  /** Of the cross entropy against the class `truth`. */
  backward(probabilities: Float32Array, truth: number): Float32Array {
    const channels = this.#means.length;
    const below = new Float32Array(channels * this.#area);
    for (let k = 0; k < this.classes; k++) {
      const slope = (probabilities[k] as number) - (k === truth ? 1 : 0);
      this.bias.slopes[k]! += slope;
      for (let c = 0; c < channels; c++) {
        this.weights.slopes[k * channels + c]! += slope * (this.#means[c] as number);
        const share = (slope * (this.weights.values[k * channels + c] as number)) / this.#area;
        for (let i = c * this.#area; i < (c + 1) * this.#area; i++) below[i] = (below[i] as number) + share;
      }
    }
    return below;
  }
}

const parameter = (values: Float32Array): Parameter => ({ values, slopes: new Float32Array(values.length) });
