// The TypeScript side: an app as a user writes it. Both sides route by the first part of a task's name.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createApp, currentRun, defineTask } from "lovage";

class OutOfStock extends Error {
  override readonly name = "OutOfStock";
}

export const add = defineTask("ts.add", { params: ["x", "y"] }, async (x: number, y: number) => x + y);
export const sum = defineTask("ts.sum", async (values: readonly number[]) => values.reduce((a, b) => a + b, 0));
export const echo = defineTask("ts.echo", async (value: unknown) => value);
export const fail = defineTask("ts.fail", async (what: string) => {
  throw new OutOfStock(`no more ${what}`);
});
/** Fails until it was retried so often. */
export const flaky = defineTask("ts.flaky", { retry: { max: 5, backoff: 0.05 } }, async (times: number) => {
  const { retries } = currentRun();
  if (retries < times) throw new OutOfStock(`attempt ${retries}`);
  return retries;
});
export const tracked = defineTask("ts.tracked", { trackStarted: true }, async () => process.pid);
export const about = defineTask("ts.about", async () => {
  const { id, parentId, rootId, queue, headers, hostname } = currentRun();
  return { id, parent: parentId, root: rootId, queue, headers, hostname };
});
let ticks = 0;
/** How many ran before it in this process. */
export const tick = defineTask("ts.tick", async () => ticks++);
/** Milliseconds since 1970. */
export const now = defineTask("ts.now", async () => Date.now());
/** Waits as code does that hands its signal on. */
export const wait = defineTask("ts.wait", async () => {
  const { signal } = currentRun();
  await sleep(60_000, undefined, { signal }).catch(() => signal.throwIfAborted());
});
export const loop = defineTask("ts.loop", async () => {
  for (;;);
});
export const note = defineTask("ts.note", async (values: readonly number[], file: string) => {
  const total = values.reduce((a, b) => a + b, 0);
  appendFileSync(file, `${total} lovage\n`);
  return total;
});
export const sharedFlaky = defineTask("shared.flaky", { retry: { max: null, backoff: 0 } }, async (file: string, times: number) => {
  const { id, retries } = currentRun();
  appendFileSync(file, `${id} ${retries} lovage\n`);
  await sleep(20);
  if (retries < times) throw new OutOfStock(`attempt ${retries}`);
  return retries;
});
export const mark = defineTask("shared.mark", async (file: string, number: number) => {
  appendFileSync(file, `${number} lovage\n`);
  // Long enough that neither side can empty the queue before the other looks.
  await sleep(20);
  return number;
});

const tasks = { add, sum, echo, fail, flaky, tracked, about, tick, now, wait, loop, note, sharedFlaky, mark };
export const routes = { "ts.*": "ts", "py.*": "py", "shared.*": "shared" };
export default createApp({ name: "interop", tasks, routes, folder: false });
