/** The one task of the pipeline: looks at each picture of a job on the GPU node. It may run twice: outputs are published once. */
import path from "node:path";
import { text } from "node:stream/consumers";
import { JobFiles, type JobInput } from "@lovage/http";
import { currentRun, defineTask } from "lovage";
import { annotate } from "./annotate.ts";
import { Classifier } from "./classifier.ts";
import { ImageError, readImage } from "./image.ts";
import type { Kind } from "./pictures/paint.ts";
import { type ImageReport, parsePredictions, writePredictions } from "./predictions.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings();
let classifier: Promise<Classifier> | undefined;
/** Once per process, before its first job. */
const loadModel = () => (classifier ??= Classifier.load(settings.IMAGE_MODEL));

export interface Summary {
  readonly images: number;
  readonly unreadable: number;
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
}

export const classify = defineTask(
  "images.classify",
  // The queue of one GPU. A job of many pictures may take hours: the lease is renewed, so the visibility of 4 h is no limit to it.
  { queue: "gpu_queue_0", trackStarted: true, softTimeLimit: "5h", timeLimit: "5h 10m", setup: loadModel },
  async (job: JobInput): Promise<Summary> => {
    const run = currentRun();
    const files = new JobFiles(settings.IMAGE_STORAGE, job.id);
    await files.publishOutputs(async (folder) => {
      const reports: ImageReport[] = [];
      for (const [i, { file, name }] of job.files.entries()) {
        // Cancelled or out of time: stops between two pictures, and nothing is published.
        run.signal.throwIfAborted();
        run.progress(i / job.files.length, `image ${i + 1} of ${job.files.length}`);
        const target = path.join(folder, `${String(i + 1).padStart(4, "0")}.jpg`);
        reports.push(await files.withInput(file, (stored) => look(stored, { target, name })));
      }
      if (reports.every((each) => "error" in each)) throw new ImageError("IMAGE_UNREADABLE", "None of the pictures can be read.");
      await writePredictions(folder, reports);
    });
    // Of what was published: perhaps by an earlier run, and then nothing was looked at in this one.
    return summary(parsePredictions(await text(await files.openOutput("predictions.json"))));
  },
);

interface Looked {
  /** Of the annotated picture. */
  readonly target: string;
  readonly name: string;
}

async function look(stored: string, { target, name }: Looked): Promise<ImageReport> {
  try {
    const image = await readImage(stored);
    const prediction = await (await loadModel()).classify(image.canvas);
    await annotate(stored, image, prediction, target);
    const { width, height } = image;
    return { image: name, width, height, kind: prediction.kind, probabilities: prediction.probabilities, annotated: path.basename(target) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { image: name, error: { code: error.code, message: error.message } };
  }
}

function summary(reports: readonly ImageReport[]): Summary {
  const kinds: Partial<Record<Kind, number>> = {};
  for (const each of reports) if (!("error" in each)) kinds[each.kind] = (kinds[each.kind] ?? 0) + 1;
  return { images: reports.length, unreadable: reports.filter((each) => "error" in each).length, kinds };
}
