/** Binary pictures: connected components, holes, smoothing. */
import { hullArea, type RowSpans } from "./convex-hull.ts";

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** 1 is foreground, 0 is ground; row by row. */
  readonly data: Uint8Array;
}

export interface Component {
  readonly label: number;
  readonly area: number;
  /** Inclusive pixel bounds. */
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  readonly spans: RowSpans;
}

export interface Labels {
  readonly labels: Int32Array;
  /** Entry i has label i + 1. */
  readonly components: Component[];
}

/** Components of the pixels that equal `value`: 8-connected for foreground, 4-connected for ground. */
export function componentsOf(mask: Mask, value: 0 | 1): Labels {
  const { width, height, data } = mask;
  const labels = new Int32Array(width * height);
  const stack = new Int32Array(width * height);
  let count = 0;
  for (let seed = 0; seed < data.length; seed++) {
    if (data[seed] !== value || labels[seed] !== 0) continue;
    labels[seed] = ++count;
    let top = 0;
    stack[top++] = seed;
    while (top > 0) {
      const p = stack[--top] as number;
      const x = p % width;
      const y = (p - x) / width;
      for (let dy = -1; dy <= 1; dy++) {
        const ny = y + dy;
        if (ny < 0 || ny >= height) continue;
        for (let dx = -1; dx <= 1; dx++) {
          const nx = x + dx;
          if (nx < 0 || nx >= width || (value === 0 && dx !== 0 && dy !== 0)) continue;
          const q = ny * width + nx;
          if (data[q] !== value || labels[q] !== 0) continue;
          labels[q] = count;
          stack[top++] = q;
        }
      }
    }
  }
  return { labels, components: measure(labels, width, height, count) };
}

/** Area, bounds and row spans of labels 1..count; labels without pixels come back with area 0. */
export function measure(labels: Int32Array, width: number, height: number, count: number): Component[] {
  const area = new Int32Array(count + 1);
  const x0 = new Int32Array(count + 1).fill(width);
  const x1 = new Int32Array(count + 1).fill(-1);
  const y0 = new Int32Array(count + 1).fill(height);
  const y1 = new Int32Array(count + 1).fill(-1);
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l === 0) continue;
    const x = i % width;
    const y = (i - x) / width;
    area[l]!++;
    if (x < (x0[l] as number)) x0[l] = x;
    if (x > (x1[l] as number)) x1[l] = x;
    if (y < (y0[l] as number)) y0[l] = y;
    y1[l] = y;
  }
  const out: Component[] = [];
  for (let l = 1; l <= count; l++) {
    const rows = Math.max(0, (y1[l] as number) - (y0[l] as number) + 1);
    const spans = {
      top: y0[l] as number,
      left: new Float64Array(rows).fill(Number.POSITIVE_INFINITY),
      right: new Float64Array(rows).fill(Number.NEGATIVE_INFINITY),
    };
    out.push({
      label: l,
      area: area[l] as number,
      x0: x0[l] as number,
      y0: y0[l] as number,
      x1: x1[l] as number,
      y1: y1[l] as number,
      spans,
    });
  }
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l === 0) continue;
    const x = i % width;
    const { spans } = out[l - 1] as Component;
    const row = (i - x) / width - spans.top;
    if (x < (spans.left[row] as number)) spans.left[row] = x;
    if (x > (spans.right[row] as number)) spans.right[row] = x;
  }
  return out;
}

/** Share of its convex hull that a component fills: 1 for a convex shape, about 0.88 for two touching discs. */
export function solidity(component: Component): number {
  return component.area === 0 ? 0 : component.area / hullArea(component.spans);
}

/** Does the component touch the picture's edge? */
export function atEdge(c: Component, width: number, height: number): boolean {
  return c.x0 === 0 || c.y0 === 0 || c.x1 === width - 1 || c.y1 === height - 1;
}
