import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";

// Fails a test file that leaves something open which would keep its process alive: a socket, a server, a child, a thread.
// Set-up files register first, so this runs after the hooks of the file itself.
// A thread shows as its MessagePort.
const kinds = ["ProcessWrap", "TCPServerWrap", "TCPSocketWrap", "PipeServerWrap", "MessagePort", "FSEventWrap"];
const deadlineMs = 3_000;

const open = () =>
  process
    .getActiveResourcesInfo()
    .filter((kind) => kinds.includes(kind))
    .sort();
const before = open();

afterAll(async () => {
  const deadline = performance.now() + deadlineMs;
  let left = surplus();
  // Closing is asynchronous: an `end()` just called is fine once the other side has answered.
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(20);
    left = surplus();
  }
  if (left.length > 0)
    throw new Error(`These were still open ${deadlineMs} ms after the last test: ${left.join(", ")}. Close them in afterAll.`);
});

function surplus(): string[] {
  const left = open();
  for (const kind of before) {
    const at = left.indexOf(kind);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}
