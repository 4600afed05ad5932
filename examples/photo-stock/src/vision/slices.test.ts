import { describe, expect, it } from "vitest";
import { mergeDetections } from "./merge.ts";
import type { Detection } from "./segmentation.ts";
import { sliceUp } from "./slices.ts";

describe("sliceUp", () => {
  it.each([
    [640, 480, 800, 50],
    [1900, 1300, 800, 60],
    [2731, 1531, 500, 71],
    [801, 799, 800, 10],
  ])("tiles %i x %i with cores of at most %i that answer for every pixel once", (width, height, core, margin) => {
    const slices = sliceUp(width, height, { core, margin });
    const seen = new Uint8Array(width * height);
    for (const { core: c, x, y, width: w, height: h } of slices) {
      for (let row = c.y; row < c.y + c.height; row++) for (let col = c.x; col < c.x + c.width; col++) seen[row * width + col]!++;
      expect(Math.max(c.width, c.height)).toBeLessThanOrEqual(core);
      expect(x).toBe(Math.max(0, c.x - margin));
      expect(x + w).toBe(Math.min(width, c.x + c.width + margin));
      expect(y + h).toBe(Math.min(height, c.y + c.height + margin));
    }
    expect(seen.every((n) => n === 1)).toBe(true);
    expect(slices.map((s) => s.index)).toEqual(slices.map((_, i) => i));
  });
});

describe("mergeDetections", () => {
  const photo = { width: 1000, height: 1000 };
  const at = (x: number, y: number, w = 40, h = 40, score = 0.8): Detection => ({ box: [x, y, w, h], score });

  it("keeps one of two reports of the same object from neighbouring slices, the whole one", () => {
    expect(mergeDetections([[at(100, 100, 30, 40)], [at(101, 99)]], photo)).toEqual([at(101, 99)]);
  });

  it("keeps touching objects apart, of one slice or of two", () => {
    expect(mergeDetections([[at(100, 100), at(138, 104)], [at(176, 100)]], photo)).toHaveLength(3);
  });

  it("never merges two reports of one slice, however they overlap", () => {
    expect(mergeDetections([[at(100, 100), at(110, 105)]], photo)).toHaveLength(2);
  });

  it("does not depend on the order of slices", () => {
    const a = [at(10, 10), at(500, 20)];
    const b = [at(11, 10, 38, 40), at(300, 300)];
    expect(mergeDetections([b, a], photo)).toEqual(mergeDetections([a, b], photo));
  });
});
