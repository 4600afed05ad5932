import type { InlineFallback } from "../app/app.ts";
import { startWorker, type WorkerOptions } from "./start-worker.ts";

/**
 * While the broker is away, what is sent runs in this very process, on a store in its memory: nothing is kept if the process ends,
 * no other process sees the results, and code that does not await cannot be stopped. Only what the broker has surely not
 * accepted runs here; else the send throws as ever.
 * @example createApp({ publishFallback: inlineFallback({ concurrency: 4 }) })
 */
export function inlineFallback(options: Pick<WorkerOptions, "concurrency" | "log" | "logLevel"> = {}): InlineFallback {
  return {
    async serve(twin) {
      const worker = await startWorker(twin, { logLevel: "warn", ...options, pool: "inline" });
      await worker.ready;
      return {
        close: async () => {
          await worker.stop("warm");
        },
      };
    },
  };
}
