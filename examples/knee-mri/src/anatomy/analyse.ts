/** A scan in, labels and thickness out, on the scan's own grid. Pure computing: it knows no queue and no files. */
import { ScanError } from "../scan-error.ts";
import { upright } from "../volume/orient.ts";
import type { Grid, Volume } from "../volume/volume.ts";
import { evenOut } from "./bias.ts";
import { findBones } from "./bones.ts";
import { findCartilage } from "./cartilage.ts";
import { localThickness } from "./thickness.ts";

/** The values of `segmentation.nii.gz`; 0 is everything else. */
export const labels = { femur: 1, femoralCartilage: 2, tibia: 3, tibialCartilage: 4 } as const;
export type Step = "evening out" | "bones" | "cartilage" | "thickness";

export interface Analysis {
  /** Standing upright: axes to the patient's right, front and up. */
  readonly grid: Grid;
  /** The coil's unevenness taken out. */
  readonly signal: Float32Array;
  readonly labels: Uint8Array;
  /** Millimetres, in cartilage; 0 elsewhere. */
  readonly thickness: Float32Array;
  /** Brightest place of the coil over the darkest, as found. */
  readonly unevenness: number;
  /** From the upright grid back to the scan's. */
  restore<T extends Uint8Array | Float32Array>(data: T): T;
}

/**
 * `before` is told of each step and may wait, or throw to stop: between two of its calls nothing else gets to run.
 * @throws {ScanError} KNEE_NOT_FOUND, CARTILAGE_NOT_FOUND
 */
export async function analyse(scan: Volume, before: (step: Step) => Promise<void>): Promise<Analysis> {
  await before("evening out");
  const { volume, restore } = upright(scan);
  const even = evenOut(volume);
  if (!even) throw new ScanError("KNEE_NOT_FOUND");
  await before("bones");
  const bones = findBones(even, volume);
  if (!bones) throw new ScanError("KNEE_NOT_FOUND");
  await before("cartilage");
  const cartilage = findCartilage(even, bones, volume);
  if (!cartilage) throw new ScanError("CARTILAGE_NOT_FOUND");
  await before("thickness");
  // One by one: where the two touch, they would be measured as one thick layer.
  const thickness = localThickness(cartilage.femoral, volume);
  const tibial = localThickness(cartilage.tibial, volume);
  const made = new Uint8Array(thickness.length);
  for (let at = 0; at < made.length; at++) {
    if (bones.femur[at]) made[at] = labels.femur;
    else if (bones.tibia[at]) made[at] = labels.tibia;
    if (cartilage.femoral[at]) made[at] = labels.femoralCartilage;
    else if (cartilage.tibial[at]) {
      made[at] = labels.tibialCartilage;
      thickness[at] = tibial[at] as number;
    }
  }
  return { grid: volume, signal: even.data, labels: made, thickness, unevenness: even.unevenness, restore };
}
