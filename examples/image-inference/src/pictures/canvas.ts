/** A picture in memory and what is needed to paint one from a seed: random numbers, noise, shapes with soft edges. */

/** Red, green and blue of each pixel, row by row, 0 to 1. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Channels × height × width, channel by channel: how networks want pictures. */
export interface Plane {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

export type Colour = readonly [number, number, number];

export function blank(width: number, height: number, [r, g, b]: Colour): Canvas {
  const data = new Float32Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i);
  return { width, height, data };
}

/** Random numbers from a seed (mulberry32): the same seed, the same picture. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 1. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  /** About normal, mean 0, deviation 1. */
  bell(): number {
    return (this.unit() + this.unit() + this.unit() + this.unit() - 2) * Math.sqrt(3);
  }

  /** `saturation` 0: grey, 1: whatever comes. */
  colour(saturation: number, low = 0, high = 1): Colour {
    const grey = this.between(low, high);
    const mix = () => grey + (this.between(low, high) - grey) * saturation;
    return [mix(), mix(), mix()];
  }
}

/** Smooth noise, -1 to 1, that changes over about one unit of `x` and `y`. */
export function noise(x: number, y: number, seed: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [smooth(x - left), smooth(y - top)];
  const above = lattice(left, top, seed) * (1 - u) + lattice(left + 1, top, seed) * u;
  const below = lattice(left, top + 1, seed) * (1 - u) + lattice(left + 1, top + 1, seed) * u;
  return above * (1 - v) + below * v;
}

const smooth = (t: number): number => t * t * (3 - 2 * t);

function lattice(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(seed, 974711);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1;
}

/** How far a point lies outside of a shape, in pixels; negative: inside. */
export type Shape = (x: number, y: number) => number;

export function ellipse(x: number, y: number, a: number, b: number, angle: number): Shape {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const least = Math.min(a, b);
  return (px, py) => {
    const [dx, dy] = [px - x, py - y];
    return (Math.hypot((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b) - 1) * least;
  };
}

/** Convex, with `corners` corners around a centre. */
export function polygon(x: number, y: number, radius: number, corners: number, angle: number): Shape {
  const step = (2 * Math.PI) / corners;
  const reach = radius * Math.cos(step / 2);
  return (px, py) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < corners; i++) {
      const a = angle + i * step;
      most = Math.max(most, (px - x) * Math.cos(a) + (py - y) * Math.sin(a) - reach);
    }
    return most;
  };
}

export function stroke(x0: number, y0: number, x1: number, y1: number, thickness: number): Shape {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = dx * dx + dy * dy || 1;
  return (px, py) => {
    const t = Math.min(1, Math.max(0, ((px - x0) * dx + (py - y0) * dy) / square));
    return Math.hypot(px - x0 - t * dx, py - y0 - t * dy) - thickness / 2;
  };
}

export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Lays `colour` over the canvas where the shape is; its edge is `softness` pixels wide. `box`: nothing of it lies outside. */
export function fill(canvas: Canvas, shape: Shape, colour: (x: number, y: number) => Colour, softness = 1, box?: Box): void {
  const { width, height, data } = canvas;
  const [left, right] = [Math.max(0, Math.floor(box?.x0 ?? 0)), Math.min(width, Math.ceil(box?.x1 ?? width))];
  const [top, bottom] = [Math.max(0, Math.floor(box?.y0 ?? 0)), Math.min(height, Math.ceil(box?.y1 ?? height))];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const share = Math.min(1, Math.max(0, 0.5 - shape(x, y) / softness));
      if (share === 0) continue;
      const [r, g, b] = colour(x, y);
      const i = (y * width + x) * 3;
      data[i] = (data[i] as number) * (1 - share) + r * share;
      data[i + 1] = (data[i + 1] as number) * (1 - share) + g * share;
      data[i + 2] = (data[i + 2] as number) * (1 - share) + b * share;
    }
  }
}

/** The deviation of brightness. */
export function contrast({ data }: Canvas): number {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / data.length - (sum / data.length) ** 2));
}

/**
 * What the network looks at: brightness, and the square roots of how much it changes to the right and downwards. The root makes
 * the faint grain of a surface as plain to see as an edge: flat colour has none.
 */
export function toPlane({ width, height, data }: Canvas): Plane {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    planes[i] = 0.299 * (data[3 * i] as number) + 0.587 * (data[3 * i + 1] as number) + 0.114 * (data[3 * i + 2] as number) - 0.5;
  }
  for (let i = 0; i < area; i++) {
    const right = i % width === width - 1 ? i : i + 1;
    const below = i + width < area ? i + width : i;
    planes[area + i] = 2 * Math.sqrt(Math.abs((planes[right] as number) - (planes[i] as number)));
    planes[2 * area + i] = 2 * Math.sqrt(Math.abs((planes[below] as number) - (planes[i] as number)));
  }
  return { channels: 3, width, height, data: planes };
}
