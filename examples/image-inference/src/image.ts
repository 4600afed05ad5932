/** Reads an uploaded picture at the size the network wants to see it, and says in words why one cannot be read. */
import sharp, { type Sharp } from "sharp";
import type { Canvas } from "./pictures/canvas.ts";
import { toCanvas } from "./pictures/file.ts";

/** Longer side, in pixels, of what is looked at: what the painted pictures show looks so at this size. */
export const workingSide = 384;
/** Larger ones would need gigabytes once decoded. */
const mostPixels = 100e6;

export type ImageErrorCode = "IMAGE_UNREADABLE" | "IMAGE_TOO_LARGE";

export class ImageError extends Error {
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ImageError";
    this.code = code;
  }
}

export interface Image {
  /** Of the upright original. */
  readonly width: number;
  readonly height: number;
  /** Reduced to `workingSide`, never enlarged beyond twice. */
  readonly canvas: Canvas;
}

/** @throws {ImageError} */
export async function readImage(file: string | Buffer): Promise<Image> {
  try {
    const meta = await sharp(file, { limitInputPixels: false }).metadata();
    const [width, height] = (meta.orientation ?? 1) >= 5 ? [meta.height, meta.width] : [meta.width, meta.height];
    if (width * height > mostPixels)
      throw new ImageError("IMAGE_TOO_LARGE", `The picture has ${width} x ${height} pixels; ${mostPixels / 1e6} megapixels are read.`);
    const scale = Math.min(2, workingSide / Math.max(width, height));
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    return { width, height, canvas: await toCanvas(upright(file).resize({ ...size, fit: "fill" })) };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError("IMAGE_UNREADABLE", "The picture cannot be decoded: it is cut off or damaged.", { cause });
  }
}

/** 8 bits, sRGB, three channels; what is transparent becomes white, as viewers show it. */
export const upright = (file: string | Buffer): Sharp =>
  sharp(file, { limitInputPixels: mostPixels, failOn: "truncated", sequentialRead: true })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .removeAlpha();
