/** The app: one task, the node for it, and the job service's view of both. `REDIS_URL` moves it onto Redis as it is. */
import { type JobFailure, type Pipeline, type PipelineServing, storageCommands } from "@lovage/http";
import { createApp } from "lovage";
import { readSettings } from "./settings.ts";
import { classify } from "./tasks.ts";

const settings = readSettings();
const { REDIS_URL, state } = settings;

const app = createApp({
  name: "image-inference",
  tasks: { classify },
  // Queue and results in database 0, job records and cancel flags in database 1.
  ...(REDIS_URL && state ? { broker: REDIS_URL, state } : {}),
  // So that the service's /ready can tell whether this worker sees the same volume.
  controlCommands: storageCommands(settings.IMAGE_STORAGE),
  visibilityTimeout: settings.IMAGE_VISIBILITY,
  workerPrefetchMultiplier: 1,
  profiles: {
    // One process, one job at a time: one model in the memory of one GPU.
    gpu: { pool: "solo", queues: ["gpu_queue_0"], prefetchMultiplier: 1, gpus: settings.IMAGE_GPUS },
  },
});
export default app;

const pipeline: Pipeline = {
  name: "image-inference",
  task: classify,
  upload: {
    accept: ["image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff"],
    maxBytes: settings.IMAGE_MAX_BYTES,
    maxFiles: settings.IMAGE_MAX_FILES,
  },
  outputs: ["predictions.csv", "predictions.json"],
  retention: "24h",
  explain: ({ type, code, message }: JobFailure) => (type === "ImageError" ? { code: code ?? "IMAGE_UNREADABLE", message } : undefined),
};
/** A cancelled job stops by itself between two pictures; to kill its process would take the loaded model along. */
export const jobs: PipelineServing = { pipeline, storage: settings.IMAGE_STORAGE, killAfterMs: 30_000 };
