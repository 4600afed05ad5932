/** Main module of a runner's thread in the `threads` pool. Ends its thread when the runner is done; never the process. */
import { parentPort, workerData } from "node:worker_threads";
import { watchChildCount } from "./child-count.ts";
import type { FromThread, ThreadData, ToThread } from "./child-protocol.ts";
import { hostRunner, loadEntry } from "./hosted-runner.ts";
import { SlotTable } from "./slot-table.ts";

const { entry, spec, rows, memory, shared } = workerData as ThreadData;
const send = (message: FromThread) => parentPort?.postMessage(message);
watchChildCount((running) => send({ c: "children", running }));
const runner = hostRunner({
  spec,
  slots: new SlotTable(rows, memory),
  shared,
  start: async (context) => (await loadEntry(entry))(context),
  send: (message) => send({ c: "from", message }),
  wakeWatchdog: () => send({ c: "look" }),
});
parentPort?.on("message", (message: ToThread) => {
  if ("w" in message) runner.flagged(message.number);
  else runner.receive(message.message);
});
await runner.done;
// In a thread this ends the thread. Messages already posted are delivered first.
process.exit(0);
