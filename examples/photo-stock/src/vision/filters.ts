/** Separable smoothing of single-channel float pictures, linear time in the radius. */

/** Three box passes, close to a Gaussian of the given sigma (pixels); edges repeat. */
export function blur(source: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const out = Float32Array.from(source);
  if (sigma < 0.3) return out;
  const line = new Float32Array(Math.max(width, height));
  for (const radius of boxRadii(sigma)) {
    if (radius === 0) continue;
    for (let y = 0; y < height; y++) boxLine(out, y * width, 1, width, radius, line);
    for (let x = 0; x < width; x++) boxLine(out, x, width, height, radius, line);
  }
  return out;
}

/** Radii of three boxes whose variances add up to sigma squared as well as whole radii can. */
function boxRadii(sigma: number): number[] {
  const ideal = Math.sqrt((12 * sigma * sigma) / 3 + 1);
  let low = Math.floor(ideal);
  if (low % 2 === 0) low--;
  const lows = Math.round((12 * sigma * sigma - 3 * low * low - 12 * low - 9) / (-4 * low - 4));
  return [0, 1, 2].map((i) => ((i < lows ? low : low + 2) - 1) / 2);
}

function boxLine(data: Float32Array, start: number, step: number, n: number, radius: number, line: Float32Array): void {
  for (let i = 0; i < n; i++) line[i] = data[start + i * step] as number;
  const at = (i: number): number => line[i < 0 ? 0 : i >= n ? n - 1 : i] as number;
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += at(i);
  const norm = 1 / (2 * radius + 1);
  for (let i = 0; i < n; i++) {
    data[start + i * step] = sum * norm;
    sum += at(i + radius + 1) - at(i - radius);
  }
}
