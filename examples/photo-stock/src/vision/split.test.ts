import { describe, expect, it } from "vitest";
import { distanceTo } from "./distance.ts";
import { componentsOf, type Mask, solidity } from "./mask.ts";
import { splitMask } from "./split.ts";

type Ellipse = readonly [x: number, y: number, a: number, b: number];

function draw(width: number, height: number, shapes: readonly Ellipse[]): Mask {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (shapes.some(([cx, cy, a, b]) => ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1)) data[i] = 1;
  }
  return { width, height, data };
}

const parts = (mask: Mask, typicalArea?: number): number => splitMask(mask, distanceTo(mask), typicalArea).regions.length;

describe("distanceTo", () => {
  it("is the distance to the nearest ground pixel, less the half pixel to its border", () => {
    const mask = draw(60, 60, [
      [30, 30, 20, 20],
      [8, 50, 5, 6],
    ]);
    const fast = distanceTo(mask);
    for (let i = 0; i < 3600; i += 13) {
      if (mask.data[i] === 0) continue;
      let nearest = Number.POSITIVE_INFINITY;
      for (let j = 0; j < 3600; j++) {
        if (mask.data[j] === 0) nearest = Math.min(nearest, Math.hypot((i % 60) - (j % 60), Math.floor(i / 60) - Math.floor(j / 60)));
      }
      expect(fast[i]).toBeCloseTo(nearest - 0.5, 4);
    }
  });
});

describe("solidity", () => {
  it("is near 1 for a disc and clearly less for a pair", () => {
    const of = (mask: Mask): number => solidity(componentsOf(mask, 1).components[0] as never);
    expect(of(draw(80, 80, [[40, 40, 30, 30]]))).toBeGreaterThan(0.96);
    expect(
      of(
        draw(120, 80, [
          [40, 40, 21, 21],
          [80, 40, 21, 21],
        ]),
      ),
    ).toBeLessThan(0.92);
  });
});

describe("splitMask", () => {
  it("parts touching discs, also of different size", () => {
    expect(
      parts(
        draw(120, 80, [
          [40, 40, 21, 21],
          [80, 40, 21, 21],
        ]),
      ),
    ).toBe(2);
    expect(
      parts(
        draw(120, 80, [
          [40, 40, 26, 26],
          [80, 40, 16, 16],
        ]),
      ),
    ).toBe(2);
    expect(
      parts(
        draw(160, 120, [
          [40, 40, 21, 21],
          [80, 40, 21, 21],
          [60, 74, 21, 21],
          [100, 74, 21, 21],
        ]),
      ),
    ).toBe(4);
  });

  it("leaves one convex object whole, round or long", () => {
    expect(parts(draw(120, 80, [[60, 40, 45, 24]]))).toBe(1);
    expect(parts(draw(120, 80, [[60, 40, 30, 30]]))).toBe(1);
  });

  it("joins the halves of a notched object when the usual size says so", () => {
    const notched = draw(100, 100, [[50, 50, 30, 30]]);
    for (let y = 0; y < 44; y++) for (let x = 46; x < 54; x++) notched.data[y * 100 + x] = 0;
    expect(parts(notched, Math.PI * 900)).toBe(1);
  });
});
