// The drain of one async worker on the embedded store. A process of its own, because an app has one store. Prints JSON.

import { lovage } from "../contestants/lovage.mjs";
import app, { noop } from "../contestants/lovage-app.mjs";
import { measureDrain } from "./drain.mjs";

const count = Number(process.argv[2]);
const store = await app.store();
const ours = lovage(
  { LOVAGE_BROKER: process.env.LOVAGE_BROKER, REDIS_URL: "" },
  {
    waiting: async () => (await store.broker.queues.depth(["celery"]))[0] ?? 0,
    ended: async () => Object.entries(await store.counters()).find(([field]) => field === `${noop.name}|SUCCESS`)?.[1] ?? 0,
  },
);
await ours.fill(count);
const draining = measureDrain(count, ours.waiting, ours.ended);
const worker = await ours.startWorkers(["-P", "async", "-c", "100"]);
const { perSecond } = await draining;
const { cpuSeconds, memoryMiB } = worker.usage();
await worker.stop();
await app.close();
console.log(JSON.stringify({ perSecond, workerCpuPer1000: (cpuSeconds / count) * 1000, memoryMiB }));
