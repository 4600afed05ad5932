/** Made knees as clients have them on their disks. Coarse, so that a test is about the service and not about computing. */
import { dicomSeries } from "../src/phantom/dicom-series.ts";
import { type ScannedKnee, scanKnee } from "../src/phantom/scan.ts";
import { writeNifti } from "../src/volume/nifti.ts";
import type { NamedFile } from "./stage.ts";

/** What nobody but the client should see: also the name of its file. */
export const fileName = "DOE_JANE_1970_left_knee";

export function madeKnee(seed: number): ScannedKnee {
  const sizes = { scale: 1, femoralMm: 2.6, tibialMm: 3, wornAt: null, fluid: true };
  return scanKnee(seed, sizes, {
    plane: "sagittal",
    pixelMm: 1,
    sliceMm: 1,
    fieldMm: 68,
    tiltDegrees: 4,
    unevenness: 1.4,
    signalToNoise: 25,
  });
}

export async function asNifti({ volume }: ScannedKnee): Promise<NamedFile> {
  return { name: `${fileName}.nii.gz`, bytes: await writeNifti(volume, Int16Array.from(volume.data)) };
}

export function asDicom({ volume }: ScannedKnee): readonly NamedFile[] {
  return dicomSeries(volume).map((bytes, k) => ({ name: `${fileName}-${(k * 31) % 97}.dcm`, bytes }));
}
