/**
 * The colour space in which ground and objects are compared: log lightness and two log colour ratios.
 * Uneven light multiplies all of a pixel's channels, so it moves only lightness, and by the same step on ground and objects;
 * a cast shadow hardly moves the two ratios.
 */
import { blur } from "./filters.ts";
import type { Rgb } from "./rgb.ts";

/** Added before the logarithm so that noise in black areas stays small (share of full scale). */
const FLOOR = 0.1;

export interface Tone {
  readonly width: number;
  readonly height: number;
  /** Lightness, red against green, blue against green. */
  readonly planes: readonly [Float32Array, Float32Array, Float32Array];
}

export function toneOf(image: Rgb, smooth: number): Tone {
  const { width, height, data } = image;
  const n = width * height;
  const l = new Float32Array(n);
  const u = new Float32Array(n);
  const v = new Float32Array(n);
  const log = LOG;
  for (let i = 0; i < n; i++) {
    const r = log[data[3 * i] as number] as number;
    const g = log[data[3 * i + 1] as number] as number;
    const b = log[data[3 * i + 2] as number] as number;
    l[i] = 0.3 * r + 0.59 * g + 0.11 * b;
    u[i] = r - g;
    v[i] = b - g;
  }
  // JPEG stores colour at half resolution, so the ratios carry blocks and bleed: smooth them more.
  const planes = [blur(l, width, height, smooth), blur(u, width, height, smooth * 1.5), blur(v, width, height, smooth * 1.5)] as const;
  return { width, height, planes };
}

const LOG = Float32Array.from({ length: 256 }, (_, i) => Math.log(i / 255 + FLOOR));
