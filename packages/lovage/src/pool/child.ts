/**
 * Main module of a runner's process: hosts one runner on the main thread, or several in threads of their own, beside one
 * watchdog thread. It owns no task and no store; what runs is the entry module named on its command line. It ends when
 * its runner is done, when its supervisor kills its group, or when its watchdog finds the supervisor gone.
 */
import { setFlagsFromString } from "node:v8";
import { Worker, type WorkerOptions } from "node:worker_threads";
import type {
  Flagged,
  FromChild,
  FromThread,
  HostingMode,
  ThreadData,
  ToChild,
  ToThread,
  ToWatchdogThread,
  WatchdogData,
} from "./child-protocol.ts";
import { type HostedRunner, hostRunner, loadEntry, tableFor } from "./hosted-runner.ts";
import type { RunnerSpec } from "./protocol.ts";
import { newSharedMemory } from "./shared-memory.ts";
import { siblingModule } from "./sibling-module.ts";
import type { SlotTable } from "./slot-table.ts";

const [entry = "", mode = "main"] = process.argv.slice(2) as [string?, HostingMode?];
const watchdog = new Worker(siblingModule(import.meta.url, "./watchdog-thread"), {
  workerData: { pid: process.pid, mode } satisfies WatchdogData,
});
watchdog.unref();

/**
 * A runner of many slots runs short tasks, each through code that is called once per task and has grown cold since the last one:
 * V8 optimizes it sooner than by default, and into fewer, larger pieces (ADR 18).
 * Set here and not on the command line, where a Node that does not know one of them would not start.
 */
const shortTaskFlags = ["--interrupt-budget=15000", "--max-inlined-bytecode-size=920", "--max-inlined-bytecode-size-cumulative=2000"];

interface Hosted {
  tell(message: ToThread): void;
  terminate(): void;
}
const runners = new Map<string, Hosted>();
const shared = newSharedMemory();

// Stopping is the supervisor's decision: an init system that signals the whole group must not end a running task.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
process.on("message", (message: ToChild) => receive(message));
// Without a supervisor nobody could stop this process; the watchdog says the same, but cannot if its pipe was never opened.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
watchdog.on("message", (message: Flagged) => runners.get(message.epoch)?.tell(message));
// A runner without its watchdog has no limits.
watchdog.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

function receive(message: ToChild): void {
  if (message.c === "start") startHere(message.spec);
  else if (message.c === "to") runners.get(message.message.epoch)?.tell(message);
  else runners.get(message.epoch)?.terminate();
}

function startHere(spec: RunnerSpec): void {
  const slots = tableFor(spec);
  // A thread is limited by its heap: the process belongs to all of them.
  const hardMemoryBytes = mode === "threads" ? null : spec.hardMemoryBytes;
  tellWatchdog({ w: "add", epoch: spec.epoch, slots: slots.slots, memory: slots.memory, hardMemoryBytes });
  runners.set(spec.epoch, mode === "threads" ? startThread(spec, slots) : startOnMain(spec, slots));
}

function startOnMain(spec: RunnerSpec, slots: SlotTable): Hosted {
  if (spec.slots > 1) for (const flag of shortTaskFlags) setFlagsFromString(flag);
  const started = loadEntry(entry).then(
    (start): HostedRunner => hostRunner({ spec, slots, shared, start, send: (message) => send({ c: "from", message }), wakeWatchdog }),
  );
  void started
    .then((runner) => runner.done)
    .then(() => exitWhenSent(0))
    .catch((error) => {
      console.error(error);
      exitWhenSent(1);
    });
  return {
    tell: (message) => void started.then((runner) => deliver(runner, message)),
    terminate: () => process.kill(-process.pid, "SIGKILL"),
  };
}

function deliver(runner: HostedRunner, message: ToThread): void {
  if ("w" in message) runner.flagged(message.number);
  else runner.receive(message.message);
}

function startThread(spec: RunnerSpec, slots: SlotTable): Hosted {
  const workerData: ThreadData = { entry, spec, rows: slots.slots, memory: slots.memory, shared };
  const thread = new Worker(siblingModule(import.meta.url, "./runner-thread"), { workerData, ...heapLimit(spec) });
  let children = 0;
  thread.on("message", (message: FromThread) => {
    if (message.c === "look") wakeWatchdog();
    else if (message.c === "children") children = message.running;
    else send(message);
  });
  let heapFull = false;
  // Out of memory, or thrown by user code: the stack goes to stderr, the exit is reported below.
  thread.on("error", (error) => {
    heapFull = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    console.error(error);
  });
  thread.on("exit", (code) => {
    runners.delete(spec.epoch);
    tellWatchdog({ w: "remove", epoch: spec.epoch });
    send({ c: "exit", epoch: spec.epoch, code, heapFull });
  });
  const terminate = () => (children > 0 ? send({ c: "has-children", epoch: spec.epoch }) : void thread.terminate());
  return { tell: (message) => thread.postMessage(message), terminate };
}

/** V8 ends the thread at its limit, and leaves the process alone. */
function heapLimit({ hardMemoryBytes }: RunnerSpec): WorkerOptions {
  return hardMemoryBytes === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(hardMemoryBytes / 2 ** 20) } };
}

const wakeWatchdog = (): void => tellWatchdog({ w: "look" });

function tellWatchdog(message: ToWatchdogThread): void {
  watchdog.postMessage(message);
}

function send(message: FromChild): void {
  // Without a channel the supervisor is gone, and the watchdog is ending this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Messages are sent in order: when this empty one has gone, all before it have. */
function exitWhenSent(code: number): void {
  const exit = () => process.exit(code);
  if (process.connected) process.send?.({ c: "bye" }, undefined, undefined, exit);
  else exit();
}
