/** `preview.png`: a cut through each half of the joint and one across it, bones tinted, cartilage coloured by its thickness. */
import sharp from "sharp";
import { type Analysis, labels } from "../anatomy/analyse.ts";

const pixelsPerMm = 4;
/** From thin to thick; thickness of the last colour and beyond. */
const scale: readonly (readonly [number, number, number])[] = [
  [214, 39, 40],
  [255, 191, 0],
  [44, 160, 44],
  [31, 119, 235],
];
const thickestMm = 4;

type Axis = 0 | 1 | 2;

export async function drawPreview(analysis: Analysis, file: string): Promise<void> {
  const [nx, ny] = analysis.grid.size;
  const columns = cartilageBy(0, analysis);
  const half = Math.trunc(nx / 2);
  const busiest = (counts: readonly number[], from: number, to: number) =>
    counts.slice(from, to).reduce((best, count, i, all) => (count > (all[best] as number) ? i : best), 0) + from;
  const panels = await Promise.all([
    panel(analysis, 0, busiest(columns, 0, half)),
    panel(analysis, 0, busiest(columns, half, nx)),
    panel(analysis, 1, busiest(cartilageBy(1, analysis), 0, ny)),
  ]);
  const width = panels.reduce((sum, each) => sum + each.width, 0);
  const height = Math.max(...panels.map((each) => each.height));
  let left = 0;
  const placed = panels.map(({ input, width: own }) => {
    left += own;
    return { input, left: left - own, top: 0 };
  });
  await sharp({ create: { width, height, channels: 3, background: "black" } })
    .composite(placed)
    .png()
    .toFile(file);
}

/** Voxels of cartilage in each layer along an axis. */
function cartilageBy(axis: Axis, { grid, labels: made }: Analysis): readonly number[] {
  const counts = new Array<number>(grid.size[axis]).fill(0);
  const stride = [1, grid.size[0], grid.size[0] * grid.size[1]][axis] as number;
  made.forEach((label, at) => {
    if (label !== labels.femoralCartilage && label !== labels.tibialCartilage) return;
    const layer = Math.trunc(at / stride) % grid.size[axis];
    counts[layer] = (counts[layer] as number) + 1;
  });
  return counts;
}

/** One layer, up being up; seen from the patient's right, or from the front. */
async function panel(analysis: Analysis, axis: 0 | 1, layer: number) {
  const { size, spacing } = analysis.grid;
  const across: Axis = axis === 0 ? 1 : 0;
  const [width, height] = [size[across], size[2]];
  const pixels = Buffer.alloc(3 * width * height);
  for (let z = 0; z < height; z++)
    for (let a = 0; a < width; a++) {
      const at = axis === 0 ? (z * size[1] + a) * size[0] + layer : (z * size[1] + layer) * size[0] + a;
      pixels.set(colourOf(analysis, at), 3 * ((height - 1 - z) * width + a));
    }
  const target = { width: Math.round(width * spacing[across] * pixelsPerMm), height: Math.round(height * spacing[2] * pixelsPerMm) };
  const input = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize({ ...target, fit: "fill", kernel: "cubic" })
    .png()
    .toBuffer();
  return { input, ...target };
}

function colourOf({ signal, labels: made, thickness }: Analysis, at: number): readonly [number, number, number] {
  const grey = Math.min(255, Math.max(0, 170 * (signal[at] as number)));
  const label = made[at];
  if (label === labels.femur) return [0.7 * grey, 0.8 * grey, Math.min(255, grey + 60)];
  if (label === labels.tibia) return [0.7 * grey, Math.min(255, grey + 50), 0.8 * grey];
  if (label !== labels.femoralCartilage && label !== labels.tibialCartilage) return [grey, grey, grey];
  const place = Math.min(1, (thickness[at] as number) / thickestMm) * (scale.length - 1);
  const step = Math.min(scale.length - 2, Math.trunc(place));
  const mix = (channel: 0 | 1 | 2) => {
    const [from, to] = [scale[step]?.[channel] ?? 0, scale[step + 1]?.[channel] ?? 0];
    return from + (place - step) * (to - from);
  };
  return [mix(0), mix(1), mix(2)];
}
