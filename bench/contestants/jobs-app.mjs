// The job service of `npm run bench:jobs`: a job of 20 ms that says when it began and publishes one small file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JobFiles } from "@lovage/http";
import { createApp, defineTask } from "lovage";

const storage = process.env.BENCH_STORAGE ?? "";

const work = defineTask("bench.job", { trackStarted: true }, async (/** @type {import("@lovage/http").JobInput} */ job) => {
  const startedAt = performance.timeOrigin + performance.now();
  await sleep(20);
  await new JobFiles(storage, job.id).publishOutputs((folder) => writeFile(join(folder, "out.txt"), "done"));
  return { startedAt };
});

export default createApp({ name: "bench-jobs", tasks: { work } });
export const jobs = {
  storage,
  pipeline: { name: "bench", task: work, upload: { accept: ["image/png"], maxBytes: 10_000_000, maxFiles: 1 } },
};
