/**
 * Pictures of three kinds, painted from a seed, as they look once reduced to a few hundred pixels: what the network learns from
 * and is tested on. They share colours, sizes and contrasts, so that only their structure tells them apart.
 */
import { blank, type Canvas, type Colour, ellipse, fill, noise, polygon, Random, type Shape, stroke } from "./canvas.ts";

export const kinds = ["photo", "drawing", "text"] as const;
export type Kind = (typeof kinds)[number];

export function paint(kind: Kind, seed: number, width: number, height: number): Canvas {
  const random = new Random(Math.imul(seed, 3) + kinds.indexOf(kind));
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 4; i++) random.unit();
  return { photo: paintPhoto, drawing: paintDrawing, text: paintText }[kind](random, width, height);
}

/** Things that hide each other, each with a surface, light from somewhere, partly out of focus, with the noise of a sensor. */
function paintPhoto(random: Random, width: number, height: number): Canvas {
  const saturation = random.between(0, 0.7);
  const focus = random.chance(0.3) ? random.between(4, 16) : random.between(1, 3);
  const canvas = blank(width, height, [0, 0, 0]);
  fill(canvas, () => -1e3, surface(random, saturation, random.between(20, 120)));
  const things = Math.ceil(((width * height) / 4096) * random.between(1, 9));
  for (let i = 0; i < things; i++) {
    const size = 3 + 45 * random.unit() ** 2.5;
    const [x, y] = [random.between(-20, width + 20), random.between(-20, height + 20)];
    const shape = random.chance(0.7)
      ? ellipse(x, y, size, size * random.between(0.25, 1), random.between(0, Math.PI))
      : stroke(x, y, x + size * random.bell() * 2, y + size * random.bell() * 2, random.between(1, 9));
    const ragged = random.between(0, 0.25) * size;
    const seed = random.whole(0, 1e9);
    const scale = random.between(3, 16);
    const reach = size * 7 + 20;
    const edge: Shape = (px, py) => shape(px, py) + ragged * noise(px / scale, py / scale, seed);
    const softness = focus * random.between(0.6, 2);
    fill(canvas, edge, surface(random, saturation, size), softness, { x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach });
  }
  return lit(canvas, random, random.between(0, 0.3), random.between(0.002, 0.03));
}

/** A colour that varies over the surface: grain of several sizes, and shade to one side. */
function surface(random: Random, saturation: number, size: number): (x: number, y: number) => Colour {
  const [r, g, b] = random.colour(saturation, 0.05, 0.95);
  const seed = random.whole(0, 1e9);
  const coarse = random.between(0, 0.25);
  const fine = random.chance(0.5) ? random.between(0, 0.25) : 0.02;
  const grain = random.between(1.2, 6);
  const stretch = random.chance(0.3) ? random.between(0.15, 0.6) : 1;
  const [shadeX, shadeY] = [(random.bell() * 0.2) / size, (random.bell() * 0.2) / size];
  return (x, y) => {
    const light =
      1 +
      coarse * noise(x / (grain * 4), y / (grain * 4), seed) +
      fine * noise((x * stretch) / grain, y / grain, seed + 1) +
      x * shadeX +
      y * shadeY;
    const clear = Math.min(1.6, Math.max(0.25, light));
    return [r * clear, g * clear, b * clear];
  };
}

function lit(canvas: Canvas, random: Random, unevenness: number, grain: number): Canvas {
  const { width, data } = canvas;
  const [scale, seed] = [random.between(60, 200), random.whole(0, 1e9)];
  for (let i = 0; i < data.length; i += 3) {
    const pixel = i / 3;
    const light = 1 + unevenness * noise((pixel % width) / scale, Math.floor(pixel / width) / scale, seed);
    for (let c = 0; c < 3; c++) data[i + c] = Math.min(1, Math.max(0, (data[i + c] as number) * light + grain * random.bell()));
  }
  return canvas;
}

/** Flat colours with sharp edges, some with an outline or an even gradient: clip art, icons, diagrams. */
function paintDrawing(random: Random, width: number, height: number): Canvas {
  const ground: Colour = random.chance(0.5) ? [1, 1, 1] : random.colour(0.6);
  const canvas = blank(width, height, ground);
  const saturation = random.between(0, 1);
  const outline = random.chance(0.4) ? random.between(0.8, 3) : 0;
  const ink = random.colour(0.3, 0, 0.3);
  const shapes = Math.ceil(((width * height) / 4096) * random.between(0.7, 6));
  for (let i = 0; i < shapes; i++) {
    const size = 3 + 35 * random.unit() ** 2;
    const [x, y] = [random.between(0, width), random.between(0, height)];
    const shape = anyShape(random, x, y, size);
    const reach = size * 3 + 6;
    const box = { x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach };
    const flat = random.colour(saturation);
    if (outline > 0)
      fill(
        canvas,
        (px, py) => shape(px, py) - outline,
        () => ink,
        1,
        box,
      );
    const shade = random.chance(0.25) ? random.between(-0.4, 0.4) / size : 0;
    fill(canvas, shape, shade === 0 ? () => flat : (_, py) => shaded(flat, shade * (py - y)), 1, box);
  }
  return canvas;
}

const shaded = ([r, g, b]: Colour, by: number): Colour => [clamp(r + by), clamp(g + by), clamp(b + by)];
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

function anyShape(random: Random, x: number, y: number, size: number): Shape {
  const angle = random.between(0, Math.PI);
  if (random.chance(0.35)) return ellipse(x, y, size, size * random.between(0.3, 1), angle);
  if (random.chance(0.55)) return polygon(x, y, size, random.whole(3, 6), random.chance(0.5) ? Math.PI / 4 : angle);
  const length = random.between(0.5, 2) * size;
  return stroke(x, y, x + length * Math.cos(angle), y + length * Math.sin(angle), random.between(1, 6));
}

/** Lines of words of small marks on paper or on a dark screen, a little askew, sometimes under uneven light. */
function paintText(random: Random, width: number, height: number): Canvas {
  const dark = random.chance(0.2);
  const paper = random.colour(0.08, dark ? 0 : 0.8, dark ? 0.2 : 1);
  const ink = random.colour(0.3, dark ? 0.7 : 0, dark ? 1 : 0.35);
  const canvas = blank(width, height, paper);
  const skew = random.chance(0.4) ? 0 : random.bell() * 0.03;
  const margin = random.chance(0.7) ? random.between(0, 14) : random.between(14, width / 2);
  const body = 2.2 + 6.5 * random.unit() ** 1.7;
  const ragged = random.between(0, 0.6);
  const scanned = random.chance(0.5);
  const bottom = random.chance(0.85) ? height + body : random.between(0.2, 1) * height;
  for (let y = random.chance(0.85) ? random.between(-4, 16) : random.between(0, 0.7) * height; y < bottom; ) {
    const high = random.chance(0.06) ? body * random.between(1.3, 2) : body;
    const end = random.chance(ragged) ? random.between(margin, width) : width - random.between(0, 14);
    setLine(canvas, random, { x: margin, y, end, high, skew, ink });
    y += high * random.between(1.5, 1.8) * (random.chance(0.12) ? 2 : 1);
  }
  return scanned ? lit(canvas, random, random.between(0, 0.12), random.between(0, 0.015)) : canvas;
}

interface Line {
  readonly x: number;
  readonly y: number;
  readonly end: number;
  readonly high: number;
  readonly skew: number;
  readonly ink: Colour;
}

function setLine(canvas: Canvas, random: Random, { x: start, y, end, high, skew, ink }: Line): void {
  const thickness = high * random.between(0.09, 0.19);
  for (let x = start; x < end; ) {
    for (let letters = random.whole(1, 9); letters > 0 && x < end; letters--) {
      const wide = high * random.between(0.25, 0.6);
      setLetter(canvas, random, { x, y: y + x * skew, wide, high, thickness, ink });
      x += wide + high * 0.16;
    }
    x += high * random.between(0.25, 0.45);
  }
}

interface Letter {
  readonly x: number;
  readonly y: number;
  readonly wide: number;
  readonly high: number;
  readonly thickness: number;
  readonly ink: Colour;
}

/** A stem, a bowl, a bar or a slant, one to three of them, as letters are made of. */
function setLetter(canvas: Canvas, random: Random, { x, y, wide, high, thickness, ink }: Letter): void {
  const top = y - high * (random.chance(0.3) ? 1 : 0.7);
  const parts = random.whole(1, 3);
  const box = { x0: x - 2, y0: top - 2, x1: x + wide + 2, y1: y + 3 };
  for (let i = 0; i < parts; i++) {
    const what = random.unit();
    let mark: Shape;
    if (what < 0.4) {
      const at = x + wide * (random.chance(0.5) ? 0 : 1);
      mark = stroke(at, top, at, y, thickness);
    } else if (what < 0.75) {
      const bowl = ellipse(x + wide / 2, y - high * 0.35, wide / 2, high * 0.35, 0);
      mark = (px, py) => Math.abs(bowl(px, py)) - thickness / 2;
    } else if (what < 0.9) {
      const at = y - high * random.between(0, 0.7);
      mark = stroke(x, at, x + wide, at, thickness * 0.8);
    } else mark = stroke(x, top, x + wide, y, thickness);
    fill(canvas, mark, () => ink, 1, box);
  }
}
