import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { Classifier } from "./classifier.ts";
import { readImage } from "./image.ts";
import { accuracy, measurePainted } from "./measure.ts";
import { heldOutSeed } from "./network/fit.ts";
import { paintedFile } from "./pictures/file.ts";

describe("the classifier with its model", () => {
  let classifier: Classifier;
  beforeAll(async () => {
    classifier = await Classifier.load(fileURLToPath(new URL("../model/kinds.onnx", import.meta.url)));
  });

  it("is right about pictures that it has not learnt from, eight times of nine", async () => {
    expect(accuracy(await measurePainted(classifier, 3))).toBeGreaterThanOrEqual(8 / 9);
  });

  it("says for each part of a picture what it shows: a page with a photograph in it", async () => {
    const photo = await paintedFile("photo", heldOutSeed, 192, 128);
    const page = await sharp(await paintedFile("text", heldOutSeed + 1, 384, 256))
      .composite([{ input: photo, left: 192, top: 128 }])
      .png()
      .toBuffer();
    const { tiles } = await classifier.classify((await readImage(page)).canvas);
    const share = (inside: boolean, kind: string) => {
      const those = tiles.filter(({ x, y }) => (x >= 192 && y >= 128) === inside);
      return those.filter((tile) => tile.kind === kind).length / those.length;
    };
    expect(share(true, "photo")).toBeGreaterThan(0.7);
    expect(share(false, "text")).toBeGreaterThan(0.7);
  });

  it("takes a picture of a single pixel, and one that is all of one colour", async () => {
    for (const side of [1, 300]) {
      const plain = await sharp({ create: { width: side, height: side, channels: 3, background: "#335577" } })
        .png()
        .toBuffer();
      const { probabilities } = await classifier.classify((await readImage(plain)).canvas);
      expect(Object.values(probabilities).reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 2);
    }
  });

  it("turns a picture upright, and says of a damaged one that it is", async () => {
    const file = await paintedFile("photo", heldOutSeed + 2, 300, 200);
    const redAbove = { create: { width: 384, height: 192, channels: 3, background: "#0000ff" } } as const;
    const red = await sharp({ create: { width: 192, height: 192, channels: 3, background: "#ff0000" } })
      .png()
      .toBuffer();
    const onItsSide = await sharp(redAbove)
      .composite([{ input: red, left: 0, top: 0 }])
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { width, height, canvas } = await readImage(onItsSide);
    expect([width, height, canvas.width, canvas.height]).toEqual([192, 384, 192, 384]);
    const [top, bottom] = [canvas.data.subarray(3 * 191, 3 * 192), canvas.data.subarray(-3)].map(([r, g, b]) =>
      [r, g, b].map((value) => Math.round(value ?? 2)),
    );
    expect([top, bottom]).toEqual([
      [1, 0, 0],
      [0, 0, 1],
    ]);
    await expect(readImage(file.subarray(0, file.length / 2))).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
  });
});
