// A BullMQ worker: no-op tasks, results kept, `concurrency` from the command line. Also answers flows (parent and children).
import { Worker } from "bullmq";

const [port, concurrency] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port };
const worker = new Worker("bench", async () => null, { connection, concurrency, removeOnComplete: { count: 1e9 } });
await worker.waitUntilReady();
console.log("ready.");
process.once("SIGTERM", async () => {
  await worker.close();
  process.exit(0);
});
