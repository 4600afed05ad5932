// The TypeScript side: an app as a user writes it. Both sides route by the first part of a task's name.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type App, chain, chord, createApp, currentRun, defineTask, group, remoteTask } from "lovage";
import * as canvasTasks from "./canvas-tasks.ts";

class OutOfStock extends Error {
  override readonly name = "OutOfStock";
}

export const add = defineTask("ts.add", { params: ["x", "y"] }, async (x: number, y: number) => x + y);
export const sum = defineTask("ts.sum", async (values: readonly number[]) => values.reduce((a, b) => a + b, 0));
export const echo = defineTask("ts.echo", async (value: unknown) => value);
export const fail = defineTask("ts.fail", async (what: string) => {
  throw new OutOfStock(`no more ${what}`);
});
export const raises = defineTask("ts.raises", async (kind: string): Promise<never> => {
  if (kind === "no error") throw { status: 404 };
  if (kind === "several") throw new AggregateError([new RangeError("far"), new OutOfStock("gone")], "two reasons");
  if (kind === "code") throw Object.assign(new Error("größer 💡"), { name: "DiskError", code: "ENOSPC" });
  throw new OutOfStock("no ink", { cause: new RangeError("the tank is empty") });
});
/** Calls another task and fails as that does. */
export const relay = defineTask("ts.relay", async (task: string, ...args: readonly unknown[]) =>
  (await currentApp.send(task, args)).get({ timeoutMs: 20_000 }),
);
export const square = defineTask("ts.square", async (number: number) => number ** 2);
/** Calls `child` with 0, 1, … and the rest of its own arguments, side by side. */
export const fan = defineTask("ts.fan", async (count: number, child: string, ...more: readonly string[]) => {
  const task = remoteTask<readonly unknown[]>(child);
  await group(Array.from({ length: count }, (_, i) => task.si(i, ...more))).send();
});
export const hand = defineTask("ts.hand", async (number: number, child: string) => {
  await remoteTask<[number: number]>(child).delay(number);
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

/** What becomes of one HTTP request: a chord of ten, of both languages, two of its steps retried. */
export const gather = defineTask("ts.gather", async () => {
  const py = (name: string, ...args: readonly unknown[]) => remoteTask<readonly unknown[]>(name).si(...args);
  const squares = Array.from({ length: 6 }, (_, number) => square.s(number));
  const legs = [py("py.seen"), chain(py("py.seen"), echo.s()), py("py.hand", 7, "ts.echo")];
  return currentRun().replace(chord([...squares, flaky.s(2), ...legs], echo.s()).toSignature());
});

const tasks = {
  gather,
  add,
  sum,
  echo,
  fail,
  raises,
  relay,
  square,
  fan,
  hand,
  flaky,
  tracked,
  about,
  tick,
  now,
  wait,
  loop,
  note,
  sharedFlaky,
  mark,
  ...canvasTasks,
};
export const routes = { "ts.*": "ts", "py.*": "py", "shared.*": "shared" };
const currentApp: App = createApp({ name: "interop", tasks, routes, folder: false });
export default currentApp;
