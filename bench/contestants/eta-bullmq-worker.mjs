// BullMQ's side of bench/eta.mjs.
import { appendFileSync } from "node:fs";
import { Worker } from "bullmq";

const [port, concurrency] = process.argv.slice(2).map(Number);
const begin = async (/** @type {{ data: { at: number, file: string } }} */ { data }) =>
  appendFileSync(data.file, `${Date.now() - data.at}\n`);
const worker = new Worker("eta", begin, {
  connection: { host: "127.0.0.1", port },
  concurrency,
  removeOnComplete: { count: 0 },
});
await worker.waitUntilReady();
console.log("ready.");
process.once("SIGTERM", async () => {
  await worker.close();
  process.exit(0);
});
