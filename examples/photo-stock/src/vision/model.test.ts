import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recipeFor } from "../scenes/recipe.ts";
import { cook } from "../scenes/scene.ts";
import { buildBlobModel, IDEAL_BLOB } from "./blob-model.ts";
import { countObjects } from "./count.ts";
import { distanceTo } from "./distance.ts";
import { loadModel, writeBlobModel } from "./model.ts";
import { encodeModel } from "./onnx-encoder.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "photo-stock-model-"));
});
afterAll(async () => {
  await loadModel(); // the built-in model is the current one again
  await rm(folder, { recursive: true, force: true });
});

/** A disc of radius r in the middle of a size x size picture. */
function disc(size: number, r: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) =>
    Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2) < r ? 1 : 0,
  );
}

describe("the built-in model", () => {
  it("is the same bytes whenever it is built, and small", async () => {
    const bytes = buildBlobModel();
    expect(Buffer.from(buildBlobModel()).equals(Buffer.from(bytes))).toBe(true);
    expect(bytes.length).toBeLessThan(30_000);
    const file = path.join(folder, "blob.onnx");
    await writeBlobModel(file);
    expect((await readFile(file)).equals(Buffer.from(bytes))).toBe(true);
  });

  it("is loaded once per process", async () => {
    expect(loadModel()).toBe(loadModel());
    expect((await loadModel()).kind).toBe("depth");
  });

  it("measures the distance to the ground as geometry does", async () => {
    const size = 120;
    const data = disc(size, 25);
    const out = await (await loadModel()).run({ foreground: { channels: 1, data } }, size, size);
    const depth = out.depth?.data as Float32Array;
    const exact = distanceTo({ width: size, height: size, data: Uint8Array.from(data) });
    for (let i = 0; i < data.length; i++) {
      if ((exact[i] as number) > 3)
        expect(Math.abs((depth[i] as number) - (exact[i] as number))).toBeLessThan(0.8 + 0.09 * (exact[i] as number));
    }
  });

  it("answers most in the middle of a disc, whatever its size", async () => {
    const size = 160;
    const model = await loadModel();
    for (const r of [10, 16, 24]) {
      const blob = (await model.run({ foreground: { channels: 1, data: disc(size, r) } }, size, size)).blob;
      const data = blob?.data as Float32Array;
      const best = data.indexOf(Math.max(...data));
      expect(Math.hypot((best % 80) - 40, Math.floor(best / 80) - 40)).toBeLessThan(2.5);
      expect((data[best] as number) / IDEAL_BLOB).toBeGreaterThan(0.9);
    }
  });
});

describe("a model of one's own", () => {
  it("is asked for boxes when it answers with boxes", async () => {
    // Two fixed boxes, scored 0.9 and 0.1, added to nothing of the image: enough to follow the contract.
    const file = path.join(folder, "boxes.onnx");
    const nodes = [
      { op: "ReduceMax", inputs: ["image"], output: "top", attributes: { keepdims: 0 } },
      { op: "Sub", inputs: ["top", "top"], output: "zero" },
      { op: "Add", inputs: ["fixed", "zero"], output: "boxes" },
      { op: "Add", inputs: ["sure", "zero"], output: "scores" },
    ];
    const weights = [
      { name: "fixed", dims: [2, 4], values: [20, 30, 60, 70, 80, 80, 90, 90] },
      { name: "sure", dims: [2], values: [0.9, 0.1] },
    ];
    const inputs = [{ name: "image", shape: [1, 3, "height", "width"] }];
    const outputs = [
      { name: "boxes", shape: ["n", 4] },
      { name: "scores", shape: ["n"] },
    ];
    await writeFile(file, encodeModel({ name: "fixed", inputs, outputs, weights, nodes }, "test", ""));
    const scene = await cook({ ...recipeFor(5300, { maxPixels: 150_000 }), width: 400, height: 320, diameter: 40, count: 6, kind: "disc" });
    const photo = path.join(folder, `scene.${scene.recipe.file}`);
    await writeFile(photo, scene.file);
    const { objects, segmentation } = await countObjects(photo, { model: await loadModel(file, "cpu") });
    const scale = segmentation.width / segmentation.working.width;
    expect(objects).toHaveLength(1);
    expect(Math.abs((objects[0]?.box[0] as number) - 20 * scale)).toBeLessThan(2);
    expect(objects[0]?.score).toBeCloseTo(0.9, 2);
  });

  it("is refused with a reason when it is no model or speaks another contract", async () => {
    const junk = path.join(folder, "junk.onnx");
    await writeFile(junk, "not a model");
    await expect(loadModel(junk, "cpu")).rejects.toMatchObject({ code: "MODEL_UNUSABLE" });
    const odd = path.join(folder, "odd.onnx");
    const io = (name: string) => [{ name, shape: [1, 1, "h", "w"] }];
    const nodes = [{ op: "Relu", inputs: ["pixels"], output: "depth" }];
    await writeFile(odd, encodeModel({ name: "odd", inputs: io("pixels"), outputs: io("depth"), weights: [], nodes }, "test", ""));
    await expect(loadModel(odd, "cpu")).rejects.toThrow(/"pixels".*image, foreground/);
  });
});
