// What no framework can beat here: a bare worker loop, and a bare LPUSH per message.
import { startProcess } from "../lib/process.mjs";
import { countResults } from "./celery.mjs";

const worker = new URL("./floor-worker.mjs", import.meta.url).pathname;

export function floor(redis, fillQueue) {
  return {
    name: "floor",
    fill: fillQueue,
    waiting: () => redis.client.llen("celery"),
    ended: () => countResults(redis),
    async startWorkers({ processes }) {
      const started = await Promise.all(
        Array.from({ length: processes }, () => startProcess(process.execPath, [worker, String(redis.port)], { ready: /ready\./ })),
      );
      return {
        usage: () =>
          started
            .map((one) => one.usage())
            .reduce((a, b) => ({ cpuSeconds: a.cpuSeconds + b.cpuSeconds, memoryMiB: a.memoryMiB + b.memoryMiB })),
        stop: () => Promise.all(started.map((one) => one.stop())),
      };
    },
    async enqueueOneByOne(count) {
      const envelope = "x".repeat(900);
      for (let i = 0; i < count; i++) await redis.client.lpush("floor", envelope);
    },
  };
}
