// BullMQ as its documentation says it is used: addBulk for bulk, QueueEvents to wait, FlowProducer to fan in.
import { FlowProducer, Queue, QueueEvents } from "bullmq";
import { startProcess } from "../lib/process.mjs";

const worker = new URL("./bullmq-worker.mjs", import.meta.url).pathname;

export function bullmq(redis) {
  const connection = { host: "127.0.0.1", port: redis.port };
  const queue = new Queue("bench", { connection });
  return {
    name: "BullMQ",
    async fill(count) {
      for (let done = 0; done < count; done += 1000) {
        await queue.addBulk(Array.from({ length: Math.min(1000, count - done) }, (_, i) => ({ name: "noop", data: { i: done + i } })));
      }
    },
    waiting: () => redis.client.llen("bull:bench:wait"),
    ended: () => redis.client.zcard("bull:bench:completed"),
    async startWorkers({ processes, concurrency }) {
      const started = await Promise.all(
        Array.from({ length: processes }, () =>
          startProcess(process.execPath, [worker, String(redis.port), String(concurrency)], { ready: /ready\./ }),
        ),
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
      for (let i = 0; i < count; i++) await queue.add("noop", { i });
    },
    enqueueConcurrently: (count) => Promise.all(Array.from({ length: count }, (_, i) => queue.add("noop", { i }))),
    enqueueBulk: (count) => queue.addBulk(Array.from({ length: count }, (_, i) => ({ name: "noop", data: { i } }))),
    async roundTrips(count, pause) {
      const events = new QueueEvents("bench", { connection });
      await events.waitUntilReady();
      const times = [];
      for (let i = 0; i < count; i++) {
        const started = performance.now();
        const job = await queue.add("noop", { i });
        await job.waitUntilFinished(events);
        times.push(performance.now() - started);
        await pause();
      }
      await events.close();
      return times;
    },
    async fanIn(count) {
      const events = new QueueEvents("bench", { connection });
      await events.waitUntilReady();
      const flows = new FlowProducer({ connection });
      const started = performance.now();
      const children = Array.from({ length: count }, (_, i) => ({ name: "noop", queueName: "bench", data: { i } }));
      const { job } = await flows.add({ name: "sum", queueName: "bench", data: {}, children });
      await job.waitUntilFinished(events);
      const took = performance.now() - started;
      await Promise.all([events.close(), flows.close()]);
      return took;
    },
    close: () => queue.close(),
  };
}
