import { describe, expect, it } from "vitest";
import { makeScene } from "./scene.ts";

const small = { maxPixels: 200_000 };

describe("makeScene", () => {
  it("makes the same file from the same seed, and another from another", async () => {
    const [a, again, b] = await Promise.all([makeScene(5, small), makeScene(5, small), makeScene(6, small)]);
    expect(again.file.equals(a.file)).toBe(true);
    expect(again.truth).toBe(a.truth);
    expect(b.file.equals(a.file)).toBe(false);
  });

  it("keeps to what it promises: 5 to 200 objects, 2 to 25 % of the shorter side, none cut by the edge", async () => {
    for (const seed of [11, 12, 13, 14, 15, 16]) {
      const { recipe, truth, objects } = await makeScene(seed, small);
      expect(truth).toBeGreaterThanOrEqual(5);
      expect(truth).toBeLessThanOrEqual(200);
      for (const o of objects) {
        const share = (2 * o.radius) / Math.min(recipe.width, recipe.height);
        expect(share).toBeGreaterThan(0.015);
        expect(share).toBeLessThan(0.33);
        const reach = Math.max(...o.outline);
        expect(o.x - reach).toBeGreaterThan(0);
        expect(o.y + reach).toBeLessThan(recipe.height);
      }
    }
  });
});
