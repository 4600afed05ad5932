import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type Plane, Random } from "../pictures/canvas.ts";
import { Network, tileSide } from "./network.ts";

const random = new Random(3);
const noise = (): Plane => ({
  channels: 3,
  width: tileSide,
  height: tileSide,
  data: Float32Array.from({ length: 3 * tileSide * tileSide }, () => random.bell() / 2),
});

describe("the network", () => {
  it("has the slopes that small steps of its weights show", () => {
    const [network, tile, step] = [new Network(5), noise(), 1e-2];
    const loss = () => -Math.log(network.forward(tile)[1] as number);
    network.learn(tile, 1);
    for (const { values, slopes } of network.parameters) {
      // The steepest, so that rounding to 32 bits is small beside the difference.
      const i = slopes.reduce((best, slope, at) => (Math.abs(slope) > Math.abs(slopes[best] as number) ? at : best), 0);
      const value = values[i] as number;
      values[i] = value + step;
      const above = loss();
      values[i] = value - step;
      const difference = (above - loss()) / (2 * step);
      values[i] = value;
      expect(Math.abs(difference - (slopes[i] as number))).toBeLessThan(0.05 * Math.abs(difference) + 1e-3);
    }
  });

  it("answers as an ONNX file what it answers here, for any number of tiles", async () => {
    const [network, tiles] = [new Network(5), [noise(), noise(), noise()]];
    const session = await InferenceSession.create(network.encode());
    const input = new Float32Array(tiles.flatMap(({ data }) => [...data]));
    const { kinds } = await session.run({ tiles: new Tensor("float32", input, [tiles.length, 3, tileSide, tileSide]) });
    const expected = tiles.flatMap((tile) => [...network.forward(tile)]);
    for (const [i, value] of Array.from(kinds?.data as Float32Array).entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
  });
});
