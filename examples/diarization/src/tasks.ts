/**
 * One task: a recording in, its turns out. It may run twice: outputs are published once. Retries are for what may pass (a disk that
 * is full, a folder that is not mounted yet); a recording that cannot be read now cannot be read later.
 */
import { JobFiles, type JobInput } from "@lovage/http";
import { currentRun, defineTask, exponential, type Run, SoftTimeLimitError } from "lovage";
import { AudioError } from "./audio/audio-error.ts";
import { framesPerSecond } from "./features/features.ts";
import { readFeatures } from "./features/read-features.ts";
import { readSettings } from "./settings.ts";
import { diarize } from "./speakers/diarize.ts";
import { type Summary, summarize, writeTurns } from "./turns/report.ts";

const settings = readSettings(process.env);
/** Decoding takes about so much of the time. */
const shareOfListening = 0.6;

export const processDiarizationJob = defineTask(
  "process_diarization_job",
  {
    softTimeLimit: "9m",
    timeLimit: "10m",
    trackStarted: true,
    retry: { max: 3, not: [AudioError, SoftTimeLimitError], backoff: exponential({ first: settings.firstRetry, jitter: "none" }) },
  },
  async (job: JobInput): Promise<Summary> => {
    const run = currentRun();
    const file = job.files[0]!;
    run.log.info("diarization.started", { jobId: job.id, bytes: file.bytes });
    const files = new JobFiles(settings.storage, job.id);
    const bytes = listening(await files.openInput(file.file), file.bytes, run);
    const features = await readFeatures(bytes, { type: file.type, maxSeconds: settings.maxMinutes * 60, signal: run.signal });
    const turns = await diarize(features, {
      signal: run.signal,
      onProgress: (fraction, step) => run.progress(shareOfListening + (0.95 - shareOfListening) * fraction, step),
    });
    run.progress(0.95, "writing");
    const summary = summarize(file.name, features.frames / framesPerSecond, turns);
    await files.publishOutputs((folder) => writeTurns(folder, summary, turns));
    run.log.info("diarization.finished", { jobId: job.id, seconds: summary.seconds, speakers: summary.speakers.length });
    return summary;
  },
);

async function* listening(chunks: AsyncIterable<Uint8Array>, total: number, run: Run): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of chunks) {
    yield chunk;
    read += chunk.length;
    run.progress((shareOfListening * read) / total, "listening");
  }
}
