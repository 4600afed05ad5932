/** From evidence to a mask of whole objects: threshold, drop specks, close the holes that belong to objects. */
import { componentsOf, type Mask, solidity } from "./mask.ts";

export interface SolidOptions {
  readonly threshold: number;
  /** Typical object diameter in pixels of this picture, if it is known yet. */
  readonly typical?: number;
  /** Leaves all holes open. */
  readonly keepHoles?: boolean;
}

export function solidMask(evidence: Float32Array, width: number, height: number, options: SolidOptions): Mask {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = (evidence[i] as number) > options.threshold ? 1 : 0;
  const mask = { width, height, data };
  if (options.keepHoles !== true) closeHoles(mask, evidence, options);
  dropSpecks(mask, options.typical);
  return mask;
}

/** Area of a disc of the given diameter. */
export const discArea = (diameter: number): number => (Math.PI / 4) * diameter * diameter;

function dropSpecks(mask: Mask, typical: number | undefined): void {
  const least = typical === undefined ? 8 : Math.max(6, 0.04 * discArea(typical));
  const { labels, components } = componentsOf(mask, 1);
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l !== 0 && (components[l - 1]?.area ?? 0) < least) mask.data[i] = 0;
  }
}

/**
 * Glare, relief and the inside of a pot leave holes in an object; the gap between three or four touching objects is a hole too.
 * A gap looks like ground and has hollow sides, so it stays open; small, rounded or ungroundlike holes are closed.
 */
function closeHoles(mask: Mask, evidence: Float32Array, { threshold, typical }: SolidOptions): void {
  const { width, height, data } = mask;
  const { labels, components } = componentsOf(mask, 0);
  const sums = new Float64Array(components.length);
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l !== 0) sums[l - 1]! += evidence[i] as number;
  }
  const object = typical === undefined ? 0.06 * Math.min(width, height) ** 2 : discArea(typical);
  const close = components.map((c, i) => {
    if (c.x0 === 0 || c.y0 === 0 || c.x1 === width - 1 || c.y1 === height - 1) return false;
    if (c.area > 1.3 * object) return false;
    if (typical !== undefined && c.area < 0.02 * object) return true;
    const unlikeGround = (sums[i] as number) / c.area > 0.6 * threshold;
    return unlikeGround || solidity(c) > 0.8;
  });
  for (let i = 0; i < labels.length; i++) {
    const l = labels[i] as number;
    if (l !== 0 && close[l - 1]) data[i] = 1;
  }
}
