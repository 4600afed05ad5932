// The same service as a Request → Response in a server of one's own, which hands the body on as a web stream. Says where it listens.
import { serve } from "@hono/node-server";
import { JobService, jobRoutes } from "@lovage/http";
import { createApp, defineTask } from "lovage";

const work = defineTask("upload.work", async (/** @type {import("@lovage/http").JobInput} */ job) => job.id);
const app = createApp({ name: "upload", broker: "memory:", tasks: { work } });
const service = new JobService({
  app,
  storage: process.argv[2] ?? "",
  pipeline: { name: "large", task: work, upload: { accept: ["image/png"], maxBytes: 10 * 2 ** 30, maxFiles: 1 } },
});
const routes = jobRoutes(service);
serve({ fetch: routes.fetch, port: 0, serverOptions: { requestTimeout: 0 } }, ({ port }) =>
  console.log(`listens on http://127.0.0.1:${port}`),
);
process.on("SIGTERM", () => process.exit(0));
