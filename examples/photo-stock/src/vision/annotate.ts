/** Draws the boxes and the count over the photo, as a PNG. Digits are drawn as strokes, so no font is needed. */
import sharp from "sharp";
import { decodePhoto, MAX_PIXELS } from "./photo.ts";
import type { Detection } from "./segmentation.ts";

/** Longer side of the drawing in pixels; larger photos are reduced, or the PNG would take tens of megabytes. */
const MOST_SIDE = 2400;

export async function annotate(path: string, objects: readonly Detection[], outPath: string): Promise<void> {
  const photo = await decodePhoto(path, { full: false });
  const scale = Math.min(1, MOST_SIDE / Math.max(photo.width, photo.height));
  const width = Math.round(photo.width * scale);
  const height = Math.round(photo.height * scale);
  const overlay = Buffer.from(drawing(objects, width, height, scale));
  const base = await sharp(path, { limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .resize(width, height, { fit: "fill" })
    .png()
    .toBuffer();
  await sharp(base)
    .composite([{ input: overlay, left: 0, top: 0 }])
    .png({ compressionLevel: 6 })
    .toFile(outPath);
}

/** The SVG laid over the photo. */
export function drawing(objects: readonly Detection[], width: number, height: number, scale: number): string {
  const line = Math.max(1, Math.round(Math.min(width, height) / 350));
  const boxes = objects.map(({ box: [x, y, w, h] }) => {
    const place = `x="${round(x * scale)}" y="${round(y * scale)}" width="${round(w * scale)}" height="${round(h * scale)}"`;
    return `<rect ${place} fill="none" stroke="#000" stroke-opacity="0.55" stroke-width="${line * 2.4}"/><rect ${place} fill="none" stroke="#ffd400" stroke-width="${line}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${boxes.join("")}${plate(String(objects.length), width, height)}</svg>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The count on a dark plate in the corner; a digit is 0.6 as wide as high. */
function plate(digits: string, width: number, height: number): string {
  const high = Math.max(14, Math.round(Math.min(width, height) / 14));
  const pad = Math.round(high * 0.4);
  const step = high * 0.85;
  const strokes = [...digits].map((digit, i) => {
    const d = (SEGMENTS[Number(digit)] as string)
      .split("")
      .map((s) => segment(s, pad + i * step, pad, high * 0.6, high))
      .join("");
    return `<path d="${d}" stroke="#fff" stroke-width="${round(high * 0.14)}" stroke-linecap="round" fill="none"/>`;
  });
  const wide = pad * 2 + (digits.length - 1) * step + high * 0.6;
  return `<rect x="0" y="0" width="${round(wide)}" height="${high + 2 * pad}" fill="#000" fill-opacity="0.7"/>${strokes.join("")}`;
}

/** Seven-segment digits: a top, b and c right, d bottom, e and f left, g middle. */
const SEGMENTS = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"];

function segment(name: string, x: number, y: number, w: number, h: number): string {
  const [l, r, t, m, b] = [x, x + w, y, y + h / 2, y + h].map(round) as [number, number, number, number, number];
  const lines: Record<string, string> = {
    a: `M${l} ${t}H${r}`,
    b: `M${r} ${t}V${m}`,
    c: `M${r} ${m}V${b}`,
    d: `M${l} ${b}H${r}`,
    e: `M${l} ${m}V${b}`,
    f: `M${l} ${t}V${m}`,
    g: `M${l} ${m}H${r}`,
  };
  return lines[name] as string;
}
