import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { afterAll } from "vitest";

// Fails a test file that leaves something open which would keep its process alive: a socket, a server, a child, a thread.
// Set-up files register first, so this runs after the hooks of the file itself.
const kinds = ["ProcessWrap", "TCPServerWrap", "TCPSocketWrap", "PipeServerWrap", "FSEventWrap"];
const deadlineMs = 3_000;

// Threads are no "active resources"; Node announces each one here.
const threads: Worker[] = [];
subscribe("worker_threads", (message) => threads.push((message as { worker: Worker }).worker));
/** Node sets the id to -1 once a thread has ended. */
const running = () => threads.filter(({ threadId }) => threadId !== -1).map(() => "Thread");

const open = () => [...process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)), ...running()].sort();
const before = open();

afterAll(async () => {
  const deadline = performance.now() + deadlineMs;
  let left = surplus();
  // Closing is asynchronous: an `end()` just called is fine once the other side has answered.
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(20);
    left = surplus();
  }
  if (left.length > 0) throw new Error(`Still open ${deadlineMs} ms after the last test: ${left.join(", ")}. Close them in afterAll.`);
});

function surplus(): string[] {
  const left = open();
  for (const kind of before) {
    const at = left.indexOf(kind);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}
