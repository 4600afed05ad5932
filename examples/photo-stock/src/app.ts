/** The app: its tasks, the pools they run in, and the job service's view of them. `REDIS_URL` moves it onto Redis as it is. */
import type { JobFailure, Pipeline } from "@lovage/http";
import { createApp, type ProgressEntry } from "lovage";
import { readSettings } from "./settings.ts";
import { count, detect, segment } from "./tasks.ts";

const { storage } = readSettings(process.env);

const app = createApp({
  name: "photo-stock",
  tasks: { segment, detect, count },
  // Three lines per task, each with its request's correlation id: what became of a photo is one grep away.
  workerTaskLog: true,
  profiles: {
    gpu: { pool: "solo", queues: ["gpu_queue_0"], maxTasksPerChild: 50 },
    cpu: { pool: "processes", concurrency: 2, queues: ["cpu"] },
    io: { pool: "async", concurrency: 20, queues: ["io", "celery"] },
  },
});
export default app;

const pipeline: Pipeline = {
  name: "photo-stock",
  task: segment,
  upload: { accept: ["image/jpeg", "image/png"], maxBytes: 200 * 1024 * 1024, maxFiles: 1 },
  progress: foldPhotoProgress,
  explain: explainFailure,
};
export const jobs = { pipeline, storage };

/** Segmenting is a fifth, counting a tenth, and the slices share what is between. A slice that ran twice counts once. */
export function foldPhotoProgress(entries: readonly ProgressEntry[]): { readonly fraction: number; readonly step: string | null } {
  let fraction = 0;
  let step: string | null = null;
  const slices = new Set<number>();
  for (const entry of entries) {
    step = entry.message ?? step;
    const { slice, of } = (entry.data ?? {}) as { slice?: number; of?: number };
    if (slice === undefined || of === undefined) fraction = Math.max(fraction, entry.fraction ?? 0);
    else {
      slices.add(slice);
      fraction = Math.max(fraction, 0.2 + (0.7 * slices.size) / of);
      step = `detecting (${slices.size} of ${of} slices)`;
    }
  }
  return { fraction, step };
}

/** Where a job's upload lies on this machine: nothing that a client should see. */
const storedPath = /^.*[\\/]input[\\/]\d+\.\w+/;

function explainFailure({ type, code, message }: JobFailure) {
  if (type === "PhotoError") return { code: code ?? "PHOTO_REFUSED", message: message.replace(storedPath, "The photo") };
  if (type === "TimeLimitExceeded" || type === "SoftTimeLimitExceeded")
    return { code: "PHOTO_TOO_SLOW", message: "Counting took longer than its limit.", retryable: true };
  return undefined;
}
