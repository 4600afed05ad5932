/** What a scene shows, drawn from its seed: kind and number of objects, ground, light, camera. */
import { type Random, seeded } from "./random.ts";

export const KINDS = ["disc", "ellipse", "polygon", "berry", "coin", "pot"] as const;
export type Kind = (typeof KINDS)[number];
/** Reflectance in 0..1, red green blue. */
export type Colour = readonly [number, number, number];

export interface Recipe {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly kind: Kind;
  readonly count: number;
  /** Typical diameter in pixels. */
  readonly diameter: number;
  /** Sizes differ by this share around the typical one; perspective comes on top. */
  readonly sizeSpread: number;
  /** Objects at the near edge are this much larger than at the far edge. */
  readonly perspective: number;
  readonly grey: boolean;
  readonly ground: Colour;
  /** One or two colours that objects are made in. */
  readonly colours: readonly Colour[];
  /** Amplitude of the ground's fine and coarse texture, as a share of its brightness. */
  readonly grain: number;
  readonly patches: number;
  /** Light falls by this share over the picture, in direction `lightAngle`; plus vignetting. */
  readonly fall: number;
  readonly lightAngle: number;
  readonly vignette: number;
  /** Darkness of cast shadows, 0 to 1, and their reach as a share of the object's diameter. */
  readonly shadow: number;
  readonly shadowReach: number;
  /** Sigma of the lens blur in pixels, of sensor noise in grey values (of 255). */
  readonly blur: number;
  readonly noise: number;
  /** Share of objects that touch another one. */
  readonly touching: number;
  readonly file: "jpeg" | "png";
  readonly quality: number;
}

export interface RecipeLimits {
  /** Most pixels of the picture; default 2 megapixels. */
  readonly maxPixels?: number;
  readonly minSide?: number;
}

export function recipeFor(seed: number, limits: RecipeLimits = {}): Recipe {
  const r = seeded(seed);
  const { width, height } = frame(r, limits);
  const shorter = Math.min(width, height);
  const kind = r.pick(KINDS);
  const share = Math.exp(r.between(Math.log(0.025), Math.log(0.22)));
  const diameter = Math.max(6, share * shorter);
  const sizeSpread = r.between(0, kind === "berry" || kind === "coin" ? 0.3 : 0.2);
  const perspective = r.chance(0.4) ? r.between(0, 0.3) : 0;
  const count = countFor(r, width, height, diameter * (1 + sizeSpread / 2 + perspective / 2));
  const grey = r.chance(0.35);
  const { ground, colours } = palette(r, grey);
  return {
    seed,
    width,
    height,
    kind,
    count,
    diameter,
    sizeSpread,
    perspective,
    grey,
    ground,
    colours,
    grain: r.between(0, 0.05),
    patches: r.between(0, 0.05),
    fall: r.between(0.05, 0.55),
    lightAngle: r.between(0, 2 * Math.PI),
    vignette: r.chance(0.5) ? r.between(0, 0.35) : 0,
    shadow: r.chance(0.65) ? r.between(0.1, 0.5) : 0,
    shadowReach: r.between(0.05, 0.22),
    blur: r.between(0.4, Math.min(2.2, 0.5 + diameter / 40)),
    noise: r.between(0.5, 7),
    touching: r.chance(0.6) ? r.between(0, 0.5) : 0,
    file: r.chance(0.75) ? "jpeg" : "png",
    quality: r.whole(45, 95),
  };
}

function frame(r: Random, { maxPixels = 2e6, minSide = 300 }: RecipeLimits): { width: number; height: number } {
  const aspect = r.pick([1, 4 / 3, 3 / 2, 16 / 9]);
  const most = Math.sqrt(maxPixels / aspect);
  const shorter = Math.round(Math.exp(r.between(Math.log(minSide), Math.log(Math.max(minSide, most)))));
  const longer = Math.round(shorter * aspect);
  return r.chance(0.65) ? { width: longer, height: shorter } : { width: shorter, height: longer };
}

/** 5 to 200, and never more than lie side by side: at most 45 % of the ground is covered. */
function countFor(r: Random, width: number, height: number, diameter: number): number {
  const room = (0.45 * width * height) / ((Math.PI / 4) * diameter * diameter);
  const most = Math.max(5, Math.min(200, Math.floor(room)));
  return Math.round(Math.exp(r.between(Math.log(5), Math.log(most + 0.4))));
}

/** Ground and objects that a person can tell apart: by brightness, or (in colour) by hue at like brightness. */
function palette(r: Random, grey: boolean): { ground: Colour; colours: Colour[] } {
  for (;;) {
    const ground = grey ? flat(r.between(0.04, 0.85)) : tinted(r, r.between(0.05, 0.8), 0.25);
    const first = grey ? flat(r.between(0.02, 0.9)) : tinted(r, r.between(0.04, 0.85), 0.8);
    const colours = [first];
    if (r.chance(0.3)) colours.push(first.map((c) => Math.min(0.95, c * r.between(0.75, 1.3))) as unknown as Colour);
    if (colours.every((c) => contrast(c, ground) > 0.42)) return { ground, colours };
  }
}

const flat = (v: number): Colour => [v, v, v];

function tinted(r: Random, v: number, saturation: number): Colour {
  const s = r.between(0, saturation);
  const tint = [r.next(), r.next(), r.next()].map((t) => 1 + s * (2 * t - 1));
  return tint.map((t) => Math.min(0.95, Math.max(0.015, v * t))) as unknown as Colour;
}

/** Brightness difference in stops-like units, plus difference of hue. */
function contrast(a: Colour, b: Colour): number {
  const log = (c: Colour): number[] => c.map((v) => Math.log(v + 0.03));
  const [p, q] = [log(a), log(b)];
  const d = p.map((v, i) => v - (q[i] as number));
  const light = Math.abs(0.3 * (d[0] as number) + 0.59 * (d[1] as number) + 0.11 * (d[2] as number));
  const hue = Math.hypot((d[0] as number) - (d[1] as number), (d[2] as number) - (d[1] as number));
  return light + 0.6 * hue;
}
