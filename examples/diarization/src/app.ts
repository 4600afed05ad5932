/** The app: its one task, the pool it runs in, and the job service's view of it. `REDIS_URL` moves it onto Redis as it is. */
import type { JobFailure, Pipeline, PipelineServing } from "@lovage/http";
import { createApp } from "lovage";
import { audioTypes } from "./audio/decode.ts";
import { readSettings } from "./settings.ts";
import { processDiarizationJob } from "./tasks.ts";

const { storage, state, spool } = readSettings(process.env);

const app = createApp({
  name: "diarization",
  tasks: { processDiarizationJob },
  ...(state !== undefined && { state }),
  // An upload is never refused because Redis restarts: it waits on this machine's disk, and the client has its answer within 2.5 s.
  publishFallback: "spool",
  spool,
  deadlineMs: 1500,
  resultExpires: "1h",
  workerPool: "processes",
  workerConcurrency: 2,
  workerMaxTasksPerChild: 100,
  workerTaskLog: true,
});
export default app;

const pipeline: Pipeline = {
  name: "diarization",
  task: processDiarizationJob,
  upload: { accept: audioTypes, maxBytes: 512 * 1024 * 1024, maxFiles: 1 },
  outputs: ["turns.csv", "turns.json", "turns.rttm"],
  retention: "1h",
  explain: explainFailure,
};
/** `POST /api/workflows/diarization/consult`, and the other routes beside it. */
export const jobs: PipelineServing = {
  path: "/api/workflows/diarization",
  uploadPath: "/consult",
  pipeline,
  storage,
};

function explainFailure({ type, code, message }: JobFailure) {
  if (type === "AudioError") return { code: code ?? "AUDIO_UNREADABLE", message };
  return undefined;
}
