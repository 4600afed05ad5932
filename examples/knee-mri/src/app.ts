/** The app: its task, the pool it runs in, and the job service's view of it. `REDIS_URL` moves it onto Redis as it is. */
import { mapErrors, type Pipeline } from "@lovage/http";
import { createApp } from "lovage";
import { scanErrors } from "./scan-error.ts";
import { readSettings } from "./settings.ts";
import { outputNames, processPipeline } from "./tasks.ts";

const { storage } = readSettings(process.env);

const app = createApp({
  name: "knee-mri",
  tasks: { processPipeline },
  profiles: { mri: { pool: "solo", concurrency: 1, queues: ["mri"] } },
});
export default app;

const pipeline: Pipeline = {
  name: "knee-mri",
  task: processPipeline,
  upload: {
    accept: ["application/nifti", "application/nifti+gzip", "application/dicom", "application/zip"],
    maxBytes: 512 * 1024 * 1024,
    // A series is read as a whole, into memory.
    maxTotalBytes: 512 * 1024 * 1024,
    maxFiles: 1000,
  },
  outputs: outputNames,
  retention: "24h",
  explain: mapErrors({
    ...Object.fromEntries(Object.entries(scanErrors).map(([code, message]) => [code, { code, message }])),
    ArchiveError: { code: "SCAN_ARCHIVE_REFUSED", message: scanErrors.SCAN_ARCHIVE_REFUSED },
    TimeLimitExceeded: { code: "SCAN_TOO_SLOW", message: "The analysis took longer than its limit.", retryable: true },
    SoftTimeLimitExceeded: { code: "SCAN_TOO_SLOW", message: "The analysis took longer than its limit.", retryable: true },
  }),
};

/** A scan is a patient's: whoever has the address of a job does not have the job. */
export const jobs = { pipeline, storage, access: "token" };
