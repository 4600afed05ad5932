// The job service as `bench/lib/large-upload.mjs` measures it: no worker, a memory store, files in a folder. Says where it listens.
import { serveJobs } from "@lovage/http";
import { createApp, defineTask } from "lovage";

const work = defineTask("upload.work", async (/** @type {import("@lovage/http").JobInput} */ job) => job.id);
const app = createApp({ name: "upload", broker: "memory:", tasks: { work } });
const serving = await serveJobs({
  app,
  port: 0,
  storage: process.argv[2] ?? "",
  pipeline: { name: "large", task: work, upload: { accept: ["image/png"], maxBytes: 10 * 2 ** 30, maxFiles: 1 } },
});
console.log(`listens on ${serving.url}`);
process.on("SIGTERM", () => process.exit(0));
