/**
 * Where objects cast hard shadows on each other, the shadows join them. If the foreground falls into two groups of tones, this
 * gives the directions along which one group stands out from the ground and the other does not.
 */
import { type Axis, evidenceOf, type Residual } from "./evidence.ts";
import type { Guess } from "./judge.ts";

type Point = readonly [number, number, number];

/** An axis must still separate the objects from the ground by this many spreads. */
const LEAST_STRENGTH = 8;

export function axesOf(residual: Residual, guess: Guess): Axis[] {
  const points = foreground(residual, guess);
  if (points.length < 50) return [];
  const [a, b] = twoGroups(points);
  return [past(a, b), past(b, a)].filter((axis) => axis !== undefined);
}

function foreground(residual: Residual, { sense, threshold }: Guess): Point[] {
  const evidence = evidenceOf(residual, sense);
  const [light, red, blue] = residual.planes;
  const out: Point[] = [];
  const step = Math.max(1, Math.floor(evidence.length / 40000));
  for (let i = 0; i < evidence.length; i += step) {
    if ((evidence[i] as number) > threshold) out.push([light[i] as number, red[i] as number, blue[i] as number]);
  }
  return out;
}

/** Middles of two groups, by Lloyd's algorithm from the darkest and the lightest tenth. */
function twoGroups(points: readonly Point[]): [Point, Point] {
  const sorted = [...points].sort((p, q) => p[0] - q[0]);
  const tenth = Math.max(1, Math.floor(points.length / 10));
  let a = mean(sorted.slice(0, tenth));
  let b = mean(sorted.slice(-tenth));
  for (let round = 0; round < 12; round++) {
    const nearA: Point[] = [];
    const nearB: Point[] = [];
    for (const p of points) (squared(p, a) < squared(p, b) ? nearA : nearB).push(p);
    if (nearA.length === 0 || nearB.length === 0) break;
    [a, b] = [mean(nearA), mean(nearB)];
  }
  return [a, b];
}

/** The direction of `object` with the direction of `shadow` taken out; none if too little is left. */
function past(object: Point, shadow: Point): Axis | undefined {
  const share = dot(object, shadow) / (dot(shadow, shadow) + 1e-9);
  const rest = object.map((v, k) => v - share * (shadow[k] as number)) as unknown as Point;
  const length = Math.sqrt(dot(rest, rest));
  if (length < LEAST_STRENGTH) return undefined;
  return rest.map((v) => Math.round((v / length) * 1e4) / 1e4) as unknown as Axis;
}

const dot = (a: Point, b: Point): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const squared = (a: Point, b: Point): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

function mean(points: readonly Point[]): Point {
  const sum = [0, 0, 0];
  for (const p of points) for (let k = 0; k < 3; k++) sum[k]! += p[k] as number;
  return sum.map((v) => v / points.length) as unknown as Point;
}
