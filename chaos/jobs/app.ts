/** Jobs under faults: each takes a moment and publishes one file. A message that keeps meeting kills is not poison here. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JobFiles, type JobInput, type Pipeline } from "@lovage/http";
import { createApp, defineTask } from "lovage";

const storage = process.env.CHAOS_STORAGE ?? "";

const work = defineTask("chaos.job", { trackStarted: true }, async (job: JobInput) => {
  await sleep(20 + Math.random() * 60);
  await new JobFiles(storage, job.id).publishOutputs(async (folder) => {
    await writeFile(join(folder, "first.txt"), job.files[0]?.sha256 ?? "");
    await writeFile(join(folder, "second.txt"), job.id);
  });
});

export default createApp({
  name: "chaos-jobs",
  tasks: { work },
  folder: false,
  maxDeliveries: 1_000_000,
  maxLost: 1_000_000,
  onFault() {},
});
const pipeline: Pipeline = {
  name: "chaos",
  task: work,
  upload: { accept: ["image/png"], maxBytes: 1_000_000, maxFiles: 1 },
  outputs: ["first.txt", "second.txt"],
};
export const jobs = { pipeline, storage };
