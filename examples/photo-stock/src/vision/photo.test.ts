import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recipeFor } from "../scenes/recipe.ts";
import { cook } from "../scenes/scene.ts";
import { annotate, drawing } from "./annotate.ts";
import { countObjects } from "./count.ts";
import { decodePhoto } from "./photo.ts";
import type { Detection } from "./segmentation.ts";

let folder = "";
let jpeg: Buffer;
let truth = 0;
const put = async (name: string, data: Buffer | string): Promise<string> => {
  const file = path.join(folder, name);
  await writeFile(file, data);
  return file;
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "photo-stock-photo-"));
  const base = recipeFor(5200, { maxPixels: 400_000 });
  const scene = await cook({
    ...base,
    width: 640,
    height: 480,
    kind: "disc",
    diameter: 50,
    count: 14,
    grey: false,
    file: "jpeg",
    quality: 90,
  });
  jpeg = scene.file;
  truth = scene.truth;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("decodePhoto", () => {
  it("tells a text file that calls itself a photo", async () => {
    const file = await put("liar.jpg", "GIF this is no photo at all, whatever its name says");
    await expect(decodePhoto(file)).rejects.toMatchObject({ name: "PhotoError", code: "PHOTO_NOT_AN_IMAGE" });
  });

  it("tells garbage behind a JPEG's first bytes", async () => {
    const file = await put("garbage.jpg", Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(4000, 7)]));
    await expect(decodePhoto(file)).rejects.toMatchObject({ name: "PhotoError" });
  });

  it.each(["jpg", "png"])("finds that a %s was cut off", async (kind) => {
    const whole = kind === "jpg" ? jpeg : await sharp(jpeg).png().toBuffer();
    const file = await put(`cut.${kind}`, whole.subarray(0, Math.floor(whole.length * 0.6)));
    await expect(decodePhoto(file)).rejects.toMatchObject({ name: "PhotoError", code: "PHOTO_TRUNCATED" });
    await expect(countObjects(file)).rejects.toMatchObject({ code: "PHOTO_TRUNCATED" });
  });

  it("refuses what is too small, too large or not there", async () => {
    const small = await put("small.png", await sharp(jpeg).resize(40, 30).png().toBuffer());
    await expect(decodePhoto(small)).rejects.toMatchObject({ code: "PHOTO_TOO_SMALL" });
    const wide = { create: { width: 12_000, height: 9_000, channels: 3 as const, background: "#888" } };
    const large = await put("large.png", await sharp(wide).png().toBuffer());
    await expect(decodePhoto(large)).rejects.toMatchObject({ code: "PHOTO_TOO_LARGE" });
    await expect(decodePhoto(path.join(folder, "nothing.jpg"))).rejects.toMatchObject({ code: "PHOTO_UNREADABLE" });
  });
});

describe("kinds of files", () => {
  it("gives sizes and boxes of the upright photo when EXIF says it lies on its side", async () => {
    const upright = await put("upright.jpg", jpeg);
    // Stored turned by 90 degrees, with the tag that tells viewers to turn it back.
    const lying = await put(
      "lying.jpg",
      await sharp(await sharp(jpeg).rotate(270).jpeg({ quality: 92 }).toBuffer())
        .withMetadata({ orientation: 6 })
        .jpeg({ quality: 92 })
        .toBuffer(),
    );
    expect(await sharp(lying).metadata()).toMatchObject({ width: 480, height: 640, orientation: 6 });
    expect(await decodePhoto(lying)).toMatchObject({ width: 640, height: 480, format: "jpeg" });
    const [a, b] = [await countObjects(upright), await countObjects(lying)];
    expect(b.total).toBe(a.total);
    for (const [i, { box }] of b.objects.entries()) {
      const nearest = Math.min(...a.objects.map((o) => Math.hypot(o.box[0] - box[0], o.box[1] - box[1])));
      expect(nearest, `box ${i}`).toBeLessThan(6);
    }
  });

  it.each([
    ["a colour PNG", () => sharp(jpeg).png().toBuffer()],
    ["a grey PNG", () => sharp(jpeg).greyscale().toColourspace("b-w").png().toBuffer()],
    ["a grey JPEG", () => sharp(jpeg).greyscale().toColourspace("b-w").jpeg({ quality: 90 }).toBuffer()],
    ["a PNG with transparency", () => sharp(jpeg).ensureAlpha(1).png().toBuffer()],
    ["a 16-bit PNG", () => sharp(jpeg).toColourspace("rgb16").png().toBuffer()],
    ["a PNG with a palette", () => sharp(jpeg).png({ palette: true, colours: 64 }).toBuffer()],
    ["a CMYK JPEG", () => sharp(jpeg).toColourspace("cmyk").jpeg({ quality: 92 }).toBuffer()],
    ["a progressive JPEG", () => sharp(jpeg).jpeg({ progressive: true }).toBuffer()],
  ])("counts %s", async (name, make) => {
    const file = await put(`${name.replaceAll(" ", "-")}`, await make());
    expect((await countObjects(file)).total).toBe(truth);
  });
});

describe("annotate", () => {
  it("writes a PNG of the upright photo with a box per object", async () => {
    const file = await put("for-boxes.jpg", jpeg);
    const { objects } = await countObjects(file);
    const out = path.join(folder, "annotated.png");
    await annotate(file, objects, out);
    expect(await sharp(out).metadata()).toMatchObject({ format: "png", width: 640, height: 480 });
    expect(drawing(objects, 640, 480, 1).match(/stroke="#ffd400"/g)?.length).toBe(objects.length);
    // The last object: the plate with the count covers the upper left corner.
    const [x, y, w, h] = (objects.at(-1) as Detection).box;
    const around = { left: x, top: y + Math.round(h / 4), width: w, height: Math.round(h / 2) };
    const yellow = async (file: string): Promise<number> => {
      const data = await sharp(file).extract(around).removeAlpha().raw().toBuffer();
      return data.reduce((n, red, i) => (i % 3 === 0 && red - (data[i + 2] as number) > 90 ? n + 1 : n), 0);
    };
    expect((await yellow(out)) - (await yellow(file))).toBeGreaterThan(around.height);
  });
});
