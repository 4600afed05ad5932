/** Draws over a picture what each part of it was taken for: a frame per tile in the colour of its kind, firmer where it is surer. */
import type { Prediction } from "./classifier.ts";
import { type Image, upright } from "./image.ts";
import { tileSide } from "./network/network.ts";
import type { Kind } from "./pictures/paint.ts";

/** Longer side of the drawing; larger pictures are reduced. */
const mostSide = 1200;
const colours: Readonly<Record<Kind, string>> = { photo: "#1baf6b", drawing: "#d9480f", text: "#3b5bdb" };

export async function annotate(file: string, { width, height, canvas }: Image, { kind, tiles }: Prediction, target: string): Promise<void> {
  const scale = Math.min(1, mostSide / Math.max(width, height));
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const unit = size.width / canvas.width;
  const band = Math.max(3, Math.round(Math.min(size.width, size.height) / 50));
  const frames = tiles.map(
    (tile) =>
      `<rect x="${tile.x * unit + 2}" y="${tile.y * unit + 2}" width="${tileSide * unit - 4}" height="${tileSide * unit - 4}" rx="4" fill="none" ` +
      `stroke="${colours[tile.kind]}" stroke-width="${band / 3}" stroke-opacity="${tile.probability.toFixed(2)}"/>`,
  );
  const edge = `<rect width="${size.width}" height="${size.height}" fill="none" stroke="${colours[kind]}" stroke-width="${band * 2}"/>`;
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">${frames.join("")}${edge}</svg>`;
  await upright(file)
    .resize({ ...size, fit: "fill" })
    .composite([{ input: Buffer.from(drawing), left: 0, top: 0 }])
    .jpeg({ quality: 85 })
    .toFile(target);
}
