/** `node dist/phantom/write.js knee.nii.gz [seed]`: a made knee to try the example with. A folder's name: a DICOM series in it. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeNifti } from "../volume/nifti.ts";
import { dicomSeries } from "./dicom-series.ts";
import { randomScan } from "./scan.ts";

const [target = "knee.nii.gz", seed = "7"] = process.argv.slice(2);
const { volume } = randomScan(Number(seed));
if (target.endsWith(".nii.gz")) await writeFile(target, await writeNifti(volume, Int16Array.from(volume.data)));
else {
  await mkdir(target, { recursive: true });
  for (const [k, slice] of dicomSeries(volume).entries()) await writeFile(path.join(target, `${String(k).padStart(4, "0")}.dcm`), slice);
}
