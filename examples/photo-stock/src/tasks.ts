/**
 * Segment (GPU) → detect in overlapping slices (CPU) → merge, report and book (I/O). The first task replaces itself with a
 * chord, so whoever waits for it waits for the whole. All of it may run twice: outputs are published once, stock is booked once.
 */
import path from "node:path";
import { JobFiles, type JobInput } from "@lovage/http";
import { chord, currentRun, defineTask, exponential, type RetryPolicy } from "lovage";
import { type CountedObject, writeReport } from "./report.ts";
import { readSettings } from "./settings.ts";
import { DatabaseError, StockLedger } from "./stock.ts";
import { annotate } from "./vision/annotate.ts";
import { detectSlice } from "./vision/detect.ts";
import { mergeDetections } from "./vision/merge.ts";
import { loadModel } from "./vision/model.ts";
import { segmentPhoto } from "./vision/segment-photo.ts";
import type { Detection, Segmentation, Slice } from "./vision/segmentation.ts";

const settings = readSettings(process.env);
const withPhoto = <T>(job: JobInput, use: (photo: string) => Promise<T>) =>
  new JobFiles(settings.storage, job.id).withInput(job.files[0]?.file ?? "", use);

/** After 2, 4 and 8 s. A full disk, a photo that is none and the like are final: trying again would not help. */
const retry: RetryPolicy = {
  on: ["STORAGE_UNAVAILABLE", DatabaseError],
  max: 3,
  backoff: exponential({ first: "2s", max: "10m", jitter: "none" }),
};

/** What the later tasks need to know of a photo. */
interface CountingJob {
  readonly input: JobInput;
  readonly segmentation: Segmentation;
}

export interface Count {
  readonly photo: string;
  readonly total: number;
  /** False: this photograph was booked before. */
  readonly booked: boolean;
}

export const detect = defineTask(
  "photos.detect",
  { queue: "cpu", softTimeLimit: "2m", timeLimit: "3m", retry, setup: () => loadModel(settings.model) },
  async (input: JobInput, segmentation: Segmentation, slice: Slice): Promise<readonly Detection[]> => {
    const run = currentRun();
    const found = await withPhoto(input, (photo) => detectSlice(photo, segmentation, slice, { signal: run.signal }));
    run.progress(null, "detecting", { slice: slice.index, of: segmentation.slices.length });
    return found;
  },
);

export const count = defineTask(
  "photos.count",
  { queue: "io", softTimeLimit: "2m", timeLimit: "3m", retry },
  async (perSlice: readonly (readonly Detection[])[], { input, segmentation }: CountingJob): Promise<Count> => {
    const run = currentRun();
    run.progress(0.9, "counting");
    const objects: readonly CountedObject[] = mergeDetections(perSlice, segmentation);
    const report = {
      photo: input.files[0]?.name ?? "",
      width: segmentation.width,
      height: segmentation.height,
      total: objects.length,
      objects,
    };
    await new JobFiles(settings.storage, input.id).publishOutputs(async (folder) => {
      await writeReport(folder, report);
      await withPhoto(input, (photo) => annotate(photo, objects, path.join(folder, "annotated.png")));
    });
    const ledger = new StockLedger(settings.stockDatabase);
    try {
      const booked = ledger.book({ photoSha256: input.files[0]?.sha256 ?? "", quantity: objects.length });
      run.progress(1, "counted");
      return { photo: report.photo, total: objects.length, booked };
    } finally {
      ledger.close();
    }
  },
);

export const segment = defineTask(
  "photos.segment",
  { queue: "gpu_queue_0", softTimeLimit: "2m", timeLimit: "3m", retry, trackStarted: true },
  async (input: JobInput): Promise<Count> => {
    const run = currentRun();
    run.progress(0.02, "segmenting");
    const segmentation = await withPhoto(input, (photo) => segmentPhoto(photo, { signal: run.signal }));
    run.progress(0.2, "segmented", { slices: segmentation.slices.length });
    return run.replace(
      chord(
        segmentation.slices.map((slice) => detect.s(input, segmentation, slice)),
        count.s({ input, segmentation }),
      ),
    );
  },
);
