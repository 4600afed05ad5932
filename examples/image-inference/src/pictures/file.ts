/** Painted pictures as the files that clients send, and back. */
import sharp, { type Sharp } from "sharp";
import type { Canvas } from "./canvas.ts";
import { type Kind, paint } from "./paint.ts";

/** JPEG of any quality that people use, and PNG, by turns. */
export function paintedFile(kind: Kind, seed: number, width: number, height: number): Promise<Buffer> {
  const { data } = paint(kind, seed, width, height);
  const pixels = Buffer.from(data.map((value) => Math.round(Math.min(1, Math.max(0, value)) * 255)));
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  const turn = Math.floor(seed / 3);
  return turn % 2 === 0 ? image.jpeg({ quality: 60 + (turn % 36) }).toBuffer() : image.png().toBuffer();
}

/** Pixel by pixel, not scaled. */
export async function toCanvas(image: Sharp): Promise<Canvas> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: Float32Array.from(data as Uint8Array, (value) => value / 255) };
}
