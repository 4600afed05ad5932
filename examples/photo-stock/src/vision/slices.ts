/** Cuts the working picture into overlapping slices, so that every object lies whole in at least one of them. */
import type { Slice } from "./segmentation.ts";

export interface SliceOptions {
  /** Greatest side of a core, in working pixels. */
  readonly core: number;
  /** How far a slice reaches beyond its core: more than half the largest object. */
  readonly margin: number;
}

export function sliceUp(width: number, height: number, { core, margin }: SliceOptions): Slice[] {
  const columns = cut(width, core);
  const rows = cut(height, core);
  const out: Slice[] = [];
  for (const [y, h] of rows) {
    for (const [x, w] of columns) {
      const left = Math.max(0, x - margin);
      const top = Math.max(0, y - margin);
      out.push({
        index: out.length,
        x: left,
        y: top,
        width: Math.min(width, x + w + margin) - left,
        height: Math.min(height, y + h + margin) - top,
        core: { x, y, width: w, height: h },
      });
    }
  }
  return out;
}

/** Equal parts of at most `most`, as [start, length]. */
function cut(length: number, most: number): [number, number][] {
  const parts = Math.ceil(length / most);
  return Array.from({ length: parts }, (_, i) => {
    const start = Math.round((i * length) / parts);
    return [start, Math.round(((i + 1) * length) / parts) - start];
  });
}
