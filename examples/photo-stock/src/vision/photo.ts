/**
 * Reads photos with sharp: checks what the file really is, turns it upright and gives reduced copies.
 * Never trusts a file's name. Does not look for objects.
 */
import { open, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { PhotoError } from "./photo-error.ts";
import type { Rgb } from "./rgb.ts";

/** Pixels a photo may have: larger ones would need gigabytes once decoded. */
export const MAX_PIXELS = 100e6;
/** Shortest side worth looking at, in pixels. */
export const MIN_SIDE = 64;

export interface Photo {
  readonly format: "jpeg" | "png";
  /** Upright, EXIF orientation applied. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Checks and measures a photo; with `full`, also reads every pixel, which finds a file that was cut off. */
export async function decodePhoto(path: string, options: { readonly full?: boolean } = {}): Promise<Photo> {
  const format = await sniff(path);
  const meta = await guard(path, () => sharp(path, { limitInputPixels: false }).metadata());
  const turned = (meta.orientation ?? 1) >= 5;
  const [width, height] = turned ? [meta.height, meta.width] : [meta.width, meta.height];
  if (width * height > MAX_PIXELS) {
    const size = `${width} x ${height} pixels, more than ${MAX_PIXELS / 1e6} megapixels`;
    throw new PhotoError("PHOTO_TOO_LARGE", `${path} has ${size}. Reduce the photo and try again.`);
  }
  if (Math.min(width, height) < MIN_SIDE) {
    const size = `${width} x ${height} pixels; the shorter side needs at least ${MIN_SIDE}`;
    throw new PhotoError("PHOTO_TOO_SMALL", `${path} has ${size}. Send the original, not a thumbnail.`);
  }
  if (options.full !== false) await guard(path, () => open8(path).resize(64, 64, { fit: "fill" }).raw().toBuffer());
  return { format, width, height, bytes: (await stat(path)).size };
}

/** The upright photo resized to `width` x `height`, or the part `crop` of that resized picture. */
export async function readScaled(path: string, width: number, height: number, crop?: Crop): Promise<Rgb> {
  let image = open8(path).resize(width, height, { fit: "fill", kernel: "cubic" });
  if (crop !== undefined) image = image.extract({ left: crop.x, top: crop.y, width: crop.width, height: crop.height });
  const { data, info } = await guard(path, () => image.raw().toBuffer({ resolveWithObject: true }));
  if (info.channels !== 3)
    throw new PhotoError("PHOTO_NOT_AN_IMAGE", `${path} has ${info.channels} colour channels after conversion, 3 were expected.`);
  return { width: info.width, height: info.height, data };
}

/** Upright, 8 bits, sRGB, three channels; transparent parts become white, as viewers show them. */
function open8(path: string): Sharp {
  return sharp(path, { limitInputPixels: MAX_PIXELS, failOn: "truncated", sequentialRead: true })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .removeAlpha();
}

async function sniff(path: string): Promise<"jpeg" | "png"> {
  const head = Buffer.alloc(8);
  try {
    const file = await open(path, "r");
    try {
      await file.read(head, 0, 8, 0);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new PhotoError("PHOTO_UNREADABLE", `${path} cannot be read (${(cause as Error).message}). Check the path and its permissions.`, {
      cause,
    });
  }
  if (head.toString("hex") === "89504e470d0a1a0a") return "png";
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return "jpeg";
  throw new PhotoError(
    "PHOTO_NOT_AN_IMAGE",
    `${path} is neither a JPEG nor a PNG (it starts with ${head.toString("hex")}). Send a JPEG or PNG photo.`,
  );
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = (cause as Error).message;
    if (cause instanceof PhotoError) throw cause;
    const cut =
      /premature|truncat|unexpected end|end of (stream|image|file)|not enough|read error|out of order read|libspng read error/i.test(why);
    throw new PhotoError(
      cut ? "PHOTO_TRUNCATED" : "PHOTO_NOT_AN_IMAGE",
      `${path} is damaged and cannot be decoded (${why}). ${cut ? "The file looks cut off: send it again." : "Send an intact JPEG or PNG."}`,
      { cause },
    );
  }
}
