// The service that hostile clients meet, with a worker, in a process of its own: whose memory is looked at.
import { serveJobs } from "@lovage/http";
import { loadApp, startWorker } from "lovage/worker";

const appModule = process.argv[2] ?? "";
const { app, exports } = await loadApp(appModule);
const worker = await startWorker(app, { appModule, pool: "inline", concurrency: 1, logLevel: "silent" });
await worker.ready;
const serving = await serveJobs({ app, port: 0, services: /** @type {never} */ (exports.services), closeWithinMs: 1000 });

process.on("message", async (/** @type {string} */ asked) => {
  if (asked === "memory") {
    // Twice: what the first finds unreachable may hold more.
    for (let i = 0; i < 2; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.send?.({ memory: process.memoryUsage() });
  } else {
    await serving.close();
    await worker.stop("cold");
    await app.close();
    process.disconnect();
  }
});
process.send?.({ url: serving.url });
