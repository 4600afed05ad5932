/**
 * One task does it all, alone in its runner: a volume is too large to travel between tasks, and two at once would fight for
 * memory and cores. It may run twice: outputs are published once.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { setImmediate as breathe } from "node:timers/promises";
import { JobFiles, type JobInput, steps } from "@lovage/http";
import { currentRun, defineTask } from "lovage";
import { type Analysis, analyse } from "./anatomy/analyse.ts";
import { drawPreview } from "./report/preview.ts";
import { csvOf, type Results, resultsOf } from "./report/results.ts";
import { readSettings } from "./settings.ts";
import { writeNifti } from "./volume/nifti.ts";
import { readFiles, readScanFile, type Scan } from "./volume/read-scan.ts";

const settings = readSettings(process.env);

/** Shares of the time, as measured on a volume of five million voxels. */
const enter = steps({ reading: 1, "evening out": 1, bones: 4, cartilage: 2, thickness: 4, writing: 2 });

/** What the job's status says at its end. */
export interface Measured {
  readonly femoral_mean_mm: number;
  readonly tibial_mean_mm: number;
}

export const processPipeline = defineTask(
  "knee.process",
  { queue: "mri", softTimeLimit: "9m", timeLimit: "10m", trackStarted: true },
  async (job: JobInput): Promise<Measured> => {
    const run = currentRun();
    const step = async (name: Parameters<typeof enter>[0]) => {
      enter(name);
      await breathe();
      run.throwIfAborted();
    };
    const files = new JobFiles(settings.storage, job.id);
    await step("reading");
    const scan = await readUpload(job, files);
    run.log.info("scan.read", { format: scan.format, size: scan.volume.size });
    const analysis = await analyse(scan.volume, step);
    await step("writing");
    const results = resultsOf(scan, analysis);
    await files.publishOutputs((folder) => writeOutputs(folder, scan, analysis, results));
    const mean = (region: string) => results.cartilage.find((each) => each.region === region)?.mean_mm ?? 0;
    return { femoral_mean_mm: mean("femoral"), tibial_mean_mm: mean("tibial") };
  },
);

async function readUpload(job: JobInput, files: JobFiles): Promise<Scan> {
  const { maxVoxels } = settings;
  const [first, ...more] = job.files.map(({ file }) => file);
  if (first === undefined || more.length > 0) {
    const slices: Buffer[] = [];
    for (const { file } of job.files) slices.push(await buffer(await files.openInput(file)));
    return readFiles(slices, maxVoxels);
  }
  // By the job's name, so that a second run clears away what one that was killed has left.
  const scratch = path.join(os.tmpdir(), `knee-mri-${job.id}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { mode: 0o700 });
  try {
    return await files.withInput(first, (file) => readScanFile(file, { maxVoxels, scratch }));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export const outputNames = ["preview.png", "results.csv", "results.json", "segmentation.nii.gz", "thickness.nii.gz"] as const;

async function writeOutputs(folder: string, { volume }: Scan, analysis: Analysis, results: Results): Promise<void> {
  const write = (name: (typeof outputNames)[number], content: string | Uint8Array) => writeFile(path.join(folder, name), content);
  await write("segmentation.nii.gz", await writeNifti(volume, analysis.restore(analysis.labels)));
  await write("thickness.nii.gz", await writeNifti(volume, analysis.restore(analysis.thickness)));
  await write("results.json", `${JSON.stringify(results, null, 2)}\n`);
  await write("results.csv", csvOf(results));
  await drawPreview(analysis, path.join(folder, "preview.png"));
}
