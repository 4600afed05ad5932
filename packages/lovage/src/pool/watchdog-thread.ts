/**
 * The watchdog thread of a runner's process: looks at the slot tables of all its runners, talks to the supervisor over a pipe of its
 * own, and ends the process group when that pipe closes. User code that blocks the main thread does not block this one.
 */
import { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { blockingCode } from "./blocking-code.ts";
import { type Flagged, type ToWatchdogThread, type WatchdogData, watchdogFd } from "./child-protocol.ts";
import { readLines } from "./json-lines.ts";
import { MemoryWatch } from "./memory-watch.ts";
import type { FromWatchdog, ToWatchdog } from "./protocol.ts";
import { monotonicMs, SlotTable } from "./slot-table.ts";
import { Watchdog } from "./watchdog.ts";

/** Milliseconds between looks: limits are exact to this. While nothing runs there is nothing to look at. */
const lookEveryMs = 25;
/** Milliseconds for the main thread to be paused. */
const askWithinMs = 900;

const { pid, mode } = workerData as WatchdogData;
const watchdog = new Watchdog();
let memory: MemoryWatch | undefined;
let timer: NodeJS.Timeout | undefined;
const pipe = new Socket({ fd: watchdogFd, readable: true, writable: true });

readLines(pipe, (message) => receive(message as ToWatchdog));
pipe.on("error", endGroup);
pipe.on("close", endGroup);
parentPort?.on("message", (message: ToWatchdogThread) => {
  if (message.w === "add") add(message);
  else if (message.w === "remove") watchdog.remove(message.epoch);
  else if (timer === undefined) look();
});

function add({ epoch, slots, memory: table, hardMemoryBytes }: Extract<ToWatchdogThread, { readonly w: "add" }>): void {
  watchdog.add(epoch, new SlotTable(slots, table));
  if (hardMemoryBytes !== null) memory = new MemoryWatch(epoch, hardMemoryBytes);
}

/** A loop that rests says so in its table before we see it, and wakes us after it has said that it no longer does. */
function look(): void {
  for (const finding of watchdog.look(monotonicMs())) {
    if (finding.t === "soft-limit") flagged({ w: "flagged", epoch: finding.epoch, number: finding.number });
    if (finding.t === "loop-blocked" && mode === "main") void sayBlocked(finding);
    else say(finding);
  }
  const tooLarge = memory?.look();
  if (tooLarge !== undefined) say(tooLarge);
  timer = watchdog.awake ? setTimeout(look, lookEveryMs) : undefined;
}

/** Threads of a process cannot be asked from here. */
async function sayBlocked(finding: Extract<FromWatchdog, { readonly t: "loop-blocked" }>): Promise<void> {
  const code = await blockingCode(askWithinMs);
  const [, number] = code?.who?.split("/") ?? [];
  const numbers = number === undefined ? finding.numbers : [Number(number)];
  say(code === undefined ? finding : { ...finding, numbers, stack: code.stack });
}

function receive(message: ToWatchdog): void {
  if (message.t === "slots?") {
    say({ t: "slots", asked: message.asked, rssBytes: process.memoryUsage.rss(), runners: watchdog.slots(monotonicMs()) });
  } else if (message.t === "events") {
    watchdog.wantEvents(message.wanted);
  } else if (watchdog.cancel(message.epoch, message.number, message.signal)) {
    flagged({ w: "flagged", epoch: message.epoch, number: message.number });
  }
}

function say(message: FromWatchdog): void {
  pipe.write(`${JSON.stringify(message)}\n`);
}

function flagged(message: Flagged): void {
  parentPort?.postMessage(message);
}

/** The supervisor is gone: nobody renews our leases, so nothing here may go on, children of user code included. */
function endGroup(): void {
  process.kill(-pid, "SIGKILL");
}
