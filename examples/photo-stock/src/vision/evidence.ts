/** How unlike the bare ground each pixel is, in spreads of the ground. */
import { type Ground, surfaceAt } from "./ground.ts";
import type { Tone } from "./tone.ts";

/** Which side of the ground's lightness objects lie on; the other side is then taken for shadow or glare. Colour counts always. */
export const POLARITIES = ["lighter", "darker", "either"] as const;
export type Polarity = (typeof POLARITIES)[number];

/** A direction in tone space, of length 1: evidence is how far a pixel lies along it. Chosen where shadows hide the objects' outlines. */
export type Axis = readonly [number, number, number];

export type Sense = Polarity | Axis;

/** Where a tone plane lies within the whole photo: pixel (x, y) of the plane is (x + left) / width of the photo, and so on. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly fullWidth: number;
  readonly fullHeight: number;
}

export interface Residual {
  readonly width: number;
  readonly height: number;
  /** Lightness and the two colour ratios against the ground, signed, in spreads of the ground. */
  readonly planes: readonly [Float32Array, Float32Array, Float32Array];
}

export function residualOf(tone: Tone, ground: Ground, at?: Placement): Residual {
  const { width, height } = tone;
  const where = at ?? { left: 0, top: 0, fullWidth: width, fullHeight: height };
  return {
    width,
    height,
    planes: [planeResidual(tone, ground, 0, where), planeResidual(tone, ground, 1, where), planeResidual(tone, ground, 2, where)],
  };
}

function planeResidual(tone: Tone, ground: Ground, k: 0 | 1 | 2, { left, top, fullWidth, fullHeight }: Placement): Float32Array {
  const { width, height } = tone;
  const plane = tone.planes[k];
  const out = new Float32Array(width * height);
  const surface = ground.surface[k] as readonly number[];
  const scale = 1 / (ground.spread[k] as number);
  for (let y = 0; y < height; y++) {
    const row = rowPolynomial(surface, (2 * (y + top + 0.5)) / fullHeight - 1);
    for (let x = 0; x < width; x++) {
      const fx = (2 * (x + left + 0.5)) / fullWidth - 1;
      const i = y * width + x;
      out[i] = ((plane[i] as number) - (row[0] + fx * (row[1] + fx * (row[2] + fx * row[3])))) * scale;
    }
  }
  return out;
}

/** The surface along one row as a cubic in x, so that a pixel costs three multiplications. */
function rowPolynomial(surface: readonly number[], y: number): [number, number, number, number] {
  const c = (i: number): number => surface[i] ?? 0;
  return [surfaceAt(surface, 0, y), c(1) + c(4) * y + c(8) * y * y, c(3) + c(7) * y, c(6)];
}

export function evidenceOf(residual: Residual, sense: Sense): Float32Array {
  const [light, red, blue] = residual.planes;
  const out = new Float32Array(light.length);
  if (typeof sense !== "string") {
    const [a, b, c] = sense;
    for (let i = 0; i < out.length; i++) out[i] = Math.max(0, a * (light[i] as number) + b * (red[i] as number) + c * (blue[i] as number));
    return out;
  }
  for (let i = 0; i < out.length; i++) {
    const d = light[i] as number;
    const l = sense === "either" ? d : sense === "lighter" ? Math.max(0, d) : Math.min(0, d);
    out[i] = Math.sqrt(l * l + (red[i] as number) ** 2 + (blue[i] as number) ** 2);
  }
  return out;
}
