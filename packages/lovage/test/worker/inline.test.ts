import { setTimeout as sleep } from "node:timers/promises";
import { createApp, currentRun, defineTask, isLovageError } from "lovage";
import { startWorker, type WorkerHandle, type WorkerOptions } from "lovage/worker";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../dist/kernel/logger.js";

const add = defineTask("i.add", async (x: number, y: number) => x + y);
const polite = defineTask("i.polite", { softTimeLimit: 0.1 }, async () => {
  try {
    await sleep(60_000, undefined, { signal: currentRun().signal });
  } catch {
    return isLovageError(currentRun().signal.reason, "LOVAGE_SOFT_TIME_LIMIT");
  }
  return false;
});
let wakeDeaf = () => {};
const deaf = defineTask("i.deaf", { timeLimit: 0.1 }, async () => {
  await new Promise<void>((resolve) => {
    wakeDeaf = resolve;
  });
  return "too late";
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  wakeDeaf();
  for (const close of closing.splice(0)) await close();
});

async function start(options: WorkerOptions = {}) {
  const app = createApp({ name: "inline", broker: "memory:", tasks: [add, polite, deaf] });
  const worker: WorkerHandle = await startWorker(app, { pool: "inline", logLevel: "silent", ...options });
  closing.push(
    () => worker.stop("cold"),
    () => app.close(),
  );
  await worker.ready;
  return { app, worker };
}

describe("the pool inline", () => {
  it("runs tasks in this very process, on a store in memory", async () => {
    const { app, worker } = await start();
    const sent = await Promise.all([1, 2, 3].map((n) => app.send(add, [n, n])));
    expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 3000 })))).toEqual([2, 4, 6]);
    expect(worker.pids()).toEqual([process.pid]);
    expect(await worker.stop("warm")).toBe(0);
  });

  it("takes no notice of a wish to stop that comes after its end", async () => {
    const said: string[] = [];
    const note = (event: string) => void said.push(event);
    const { app, worker } = await start({ log: { ...silentLogger, info: note, warn: note, error: note } });
    expect(await worker.stop("warm")).toBe(0);
    await app.close();
    expect(await worker.stop("warm")).toBe(0);
    expect(await worker.stop("cold")).toBe(0);
    expect(said).toEqual(["shutdown.warm", "shutdown.intake-closed", "runner.gone", "shutdown.done"]);
  });

  it("has soft limits, and ends what does not listen at the hard one, without a word when its code returns", async () => {
    const { app } = await start({ concurrency: 2 });
    expect(await (await app.send(polite, [])).get({ timeoutMs: 3000 })).toBe(true);
    const late = await app.send(deaf, []);
    await expect(late.get({ timeoutMs: 3000 })).rejects.toMatchObject({ name: "TimeLimitError" });
    wakeDeaf();
    expect(await (await app.send(add, [1, 1])).get({ timeoutMs: 3000 })).toBe(2);
    expect(await late.state()).toBe("FAILURE");
  });

  it("recycles after maxTasksPerChild like any other", async () => {
    const { app } = await start({ concurrency: 1, maxTasksPerChild: 2 });
    const sent = await Promise.all([1, 2, 3, 4, 5].map((n) => app.send(add, [n, 0])));
    expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 5000 })))).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("options that cannot be", () => {
  it.each([
    [{ pool: "solo", concurrency: 3 }, "LOVAGE_POOL_CONCURRENCY"],
    [{ pool: "fork" }, "LOVAGE_POOL_UNKNOWN"],
    [{ pool: "processes" }, "LOVAGE_APP_MODULE_MISSING"],
    [{ queues: ["a"], excludeQueues: ["a"] }, "LOVAGE_NO_QUEUES"],
    [{ pool: "solo", appModule: "x.ts" }, "LOVAGE_STORE_NOT_SHARED"],
  ])("%j", async (options, code) => {
    const app = createApp({ name: "inline", broker: "memory:", tasks: [add] });
    closing.push(() => app.close());
    await expect(startWorker(app, { pool: "inline", ...options })).rejects.toMatchObject({ code });
  });
});
