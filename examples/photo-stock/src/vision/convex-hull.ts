/** Area of the convex hull of pixel sets, given as the leftmost and rightmost pixel of each row. */

export interface RowSpans {
  /** First row. */
  readonly top: number;
  /** Leftmost pixel per row, `Infinity` where the row is empty. */
  readonly left: Float64Array;
  /** Rightmost pixel per row, `-Infinity` where the row is empty. */
  readonly right: Float64Array;
}

/** Row spans of two pixel sets taken together. */
export function joinSpans(a: RowSpans, b: RowSpans): RowSpans {
  const top = Math.min(a.top, b.top);
  const bottom = Math.max(a.top + a.left.length, b.top + b.left.length);
  const left = new Float64Array(bottom - top).fill(Number.POSITIVE_INFINITY);
  const right = new Float64Array(bottom - top).fill(Number.NEGATIVE_INFINITY);
  for (const part of [a, b]) {
    for (let i = 0; i < part.left.length; i++) {
      const row = part.top + i - top;
      left[row] = Math.min(left[row] as number, part.left[i] as number);
      right[row] = Math.max(right[row] as number, part.right[i] as number);
    }
  }
  return { top, left, right };
}

/** Area in pixels of the hull around the pixel squares (not the pixel centres). */
export function hullArea(spans: RowSpans): number {
  const leftChain: number[] = [];
  const rightChain: number[] = [];
  for (let i = 0; i < spans.left.length; i++) {
    const l = spans.left[i] as number;
    const r = spans.right[i] as number;
    if (l > r) continue;
    push(leftChain, l, i, 1);
    push(leftChain, l, i + 1, 1);
    push(rightChain, r + 1, i, -1);
    push(rightChain, r + 1, i + 1, -1);
  }
  return chainIntegral(rightChain) - chainIntegral(leftChain);
}

/** Keeps a chain of (x, y) pairs convex; side 1 is the left chain (bulging to small x), -1 the right one. */
function push(chain: number[], x: number, y: number, side: 1 | -1): void {
  while (chain.length >= 4) {
    const n = chain.length;
    const [ax, ay, bx, by] = [chain[n - 4], chain[n - 3], chain[n - 2], chain[n - 1]] as [number, number, number, number];
    const cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (cross * side < 0) break;
    chain.length = n - 2;
  }
  chain.push(x, y);
}

function chainIntegral(chain: readonly number[]): number {
  let sum = 0;
  for (let i = 2; i < chain.length; i += 2) {
    sum += (((chain[i] as number) + (chain[i - 2] as number)) / 2) * ((chain[i + 1] as number) - (chain[i - 1] as number));
  }
  return sum;
}
