/** Distances to shapes, in millimetres, negative inside. Outside they are exact, so what lies within t of one has thickness t. */
import type { Triple } from "../volume/volume.ts";

export interface Touch {
  distance: number;
  /** Away from the shape. */
  readonly normal: [number, number, number];
}

export interface Shape {
  /** Fills `touch`, which callers use again: this runs millions of times. */
  measure(x: number, y: number, z: number, touch: Touch): void;
}

/** A segment with a radius. */
export function capsule(from: Triple, to: Triple, radius: number): Shape {
  const [fx, fy, fz] = from;
  const [ax, ay, az] = [to[0] - fx, to[1] - fy, to[2] - fz];
  const length2 = ax * ax + ay * ay + az * az;
  return {
    measure(x, y, z, touch) {
      const share = Math.min(1, Math.max(0, ((x - fx) * ax + (y - fy) * ay + (z - fz) * az) / length2));
      away(touch, x - fx - share * ax, y - fy - share * ay, z - fz - share * az, radius);
    },
  };
}

/** A box with rounded edges; `half` counts from its middle to its faces. */
export function roundedBox(middle: Triple, half: Triple, radius: number): Shape {
  const [hx, hy, hz] = [half[0] - radius, half[1] - radius, half[2] - radius];
  const [mx, my, mz] = middle;
  const beyond = (value: number, limit: number) => (value > limit ? value - limit : value < -limit ? value + limit : 0);
  return {
    measure(x, y, z, touch) {
      const qx = beyond(x - mx, hx);
      const qy = beyond(y - my, hy);
      const qz = beyond(z - mz, hz);
      if (qx === 0 && qy === 0 && qz === 0) {
        touch.distance = Math.max(Math.abs(x - mx) - hx, Math.abs(y - my) - hy, Math.abs(z - mz) - hz) - radius;
        touch.normal[0] = touch.normal[1] = 0;
        touch.normal[2] = 1;
      } else away(touch, qx, qy, qz, radius);
    },
  };
}

function away(touch: Touch, x: number, y: number, z: number, radius: number): void {
  const length = Math.sqrt(x * x + y * y + z * z) || 1e-9;
  touch.distance = length - radius;
  touch.normal[0] = x / length;
  touch.normal[1] = y / length;
  touch.normal[2] = z / length;
}
