import { beforeAll, describe, expect, it } from "vitest";
import { type Score, score } from "../measure.ts";
import { randomSizes } from "../phantom/knee.ts";
import { scanKnee } from "../phantom/scan.ts";
import { voxelsOf } from "../volume/volume.ts";
import { analyse } from "./analyse.ts";

/** Coarse and narrow, so that a test takes seconds. */
const quick = { plane: "sagittal", pixelMm: 0.9, sliceMm: 0.9, fieldMm: 88, tiltDegrees: 5, unevenness: 1.6, signalToNoise: 20 } as const;

describe("a made knee", () => {
  let found: Score;
  beforeAll(async () => {
    found = await score(scanKnee(501, { ...randomSizes(501), wornAt: null, fluid: true }, quick));
  });
  it("has its bones and cartilage found", () => {
    expect(found.dice.femur).toBeGreaterThan(0.95);
    expect(found.dice.tibia).toBeGreaterThan(0.95);
    expect(found.dice.femoralCartilage).toBeGreaterThan(0.85);
    expect(found.dice.tibialCartilage).toBeGreaterThan(0.85);
  });
  it("has the thickness of its cartilage measured to a quarter of a millimetre", () => {
    expect(Math.abs(found.meanErrorMm.femoral)).toBeLessThan(0.25);
    expect(Math.abs(found.meanErrorMm.tibial)).toBeLessThan(0.25);
  });
});

describe("what is no knee", () => {
  const grid = { size: [40, 40, 40], spacing: [2.5, 2.5, 2.5], affine: [2.5, 0, 0, 0, 0, 2.5, 0, 0, 0, 0, 2.5, 0] } as const;
  it.each<[string, (at: number) => number]>([
    ["is empty", () => 0],
    ["is all the same", () => 100],
    ["is noise", (at) => (at * 7919) % 997],
    ["is a ball", (at) => (Math.hypot((at % 40) - 20, (Math.trunc(at / 40) % 40) - 20, Math.trunc(at / 1600) - 20) < 15 ? 300 : 2)],
  ])("%s: no knee is found", async (_what, value) => {
    const data = Float32Array.from({ length: voxelsOf(grid) }, (_, at) => value(at));
    await expect(analyse({ ...grid, data }, async () => {})).rejects.toMatchObject({ code: "KNEE_NOT_FOUND" });
  });
});
