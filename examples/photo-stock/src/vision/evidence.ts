/** How unlike the bare ground each pixel is, in spreads of the ground. */
import { type Ground, surfaceAt } from "./ground.ts";
import type { Tone } from "./tone.ts";

/** Which side of the ground's lightness objects lie on; the other side is then taken for shadow or glare. Colour counts always. */
export type Polarity = "lighter" | "darker" | "either";

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
  /** Lightness against the ground, signed. */
  readonly light: Float32Array;
  /** Colour difference from the ground, unsigned. */
  readonly colour: Float32Array;
}

export function residualOf(tone: Tone, ground: Ground, at?: Placement): Residual {
  const { width, height, planes } = tone;
  const { left, top, fullWidth, fullHeight } = at ?? { left: 0, top: 0, fullWidth: width, fullHeight: height };
  const light = new Float32Array(width * height);
  const colour = new Float32Array(width * height);
  for (let k = 0; k < 3; k++) {
    const plane = planes[k] as Float32Array;
    const surface = ground.surface[k] as readonly number[];
    const scale = 1 / (ground.spread[k] as number);
    for (let y = 0; y < height; y++) {
      const row = rowPolynomial(surface, (2 * (y + top + 0.5)) / fullHeight - 1);
      for (let x = 0; x < width; x++) {
        const fx = (2 * (x + left + 0.5)) / fullWidth - 1;
        const i = y * width + x;
        const d = ((plane[i] as number) - (row[0] + fx * (row[1] + fx * (row[2] + fx * row[3])))) * scale;
        if (k === 0) light[i] = d;
        else colour[i]! += d * d;
      }
    }
  }
  for (let i = 0; i < colour.length; i++) colour[i] = Math.sqrt(colour[i] as number);
  return { width, height, light, colour };
}

/** The surface along one row as a cubic in x, so that a pixel costs three multiplications. */
function rowPolynomial(surface: readonly number[], y: number): [number, number, number, number] {
  const c = (i: number): number => surface[i] ?? 0;
  return [surfaceAt(surface, 0, y), c(1) + c(4) * y + c(8) * y * y, c(3) + c(7) * y, c(6)];
}

export function evidenceOf(residual: Residual, polarity: Polarity, colourWeight = 1): Float32Array {
  const { light, colour } = residual;
  const out = new Float32Array(light.length);
  for (let i = 0; i < out.length; i++) {
    const d = light[i] as number;
    const l = polarity === "either" ? Math.abs(d) : polarity === "lighter" ? Math.max(0, d) : Math.max(0, -d);
    const c = (colour[i] as number) * colourWeight;
    out[i] = Math.sqrt(l * l + c * c);
  }
  return out;
}
