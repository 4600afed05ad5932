import { createApp, defineTask } from "lovage";
import { startWorker } from "lovage/worker";
import { expect, it } from "vitest";

const none = () => undefined as never;
it.each([
  ["rateLimit", { rateLimit: { limit: "100/s", per: none } }],
  ["concurrency", { concurrency: { limit: 2, per: none } }],
] as const)("a task whose %s.per gives no key fails, and says so", async (option, limits) => {
  let ran = 0;
  const task = defineTask("k.limited", limits, () => ++ran);
  const app = createApp({ name: "keys", broker: "memory:", tasks: [task] });
  const worker = await startWorker(app, { pool: "inline", logLevel: "silent" });
  try {
    const ending = task.delay().then((handle) => handle.get({ timeoutMs: 5000 }));
    await expect(ending).rejects.toThrow(`Task "k.limited": the function ${option}.per gave undefined`);
    expect(ran).toBe(0);
  } finally {
    await worker.stop("warm");
    await app.close();
  }
});
