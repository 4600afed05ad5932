import { expect, it } from "vitest";
import { LamportClock } from "../kernel/lamport-clock.ts";
import { encodeEvents, eventText } from "./envelope.ts";
import { type CeleryEvent, utcOffset } from "./event.ts";
import { type ReceivedEvent, received, receiveEvents } from "./receiver.ts";

const event = (type: string, more: Partial<CeleryEvent> = {}): CeleryEvent => ({ type, hostname: "celery@a", timestamp: 1000, ...more });

it("shifts times by the sender's zone, as Celery does, and notes when it heard it", () => {
  const now = Date.UTC(2026, 0, 1);
  const here = utcOffset(now);
  const shifted = (utcoffset: number) => received(event("worker-online", { utcoffset }), new LamportClock(), now).timestamp;
  expect([shifted(here), shifted(here + 5), shifted(here - 2)]).toEqual([1000, 1000 - 5 * 3600, 1000 + 2 * 3600]);
  expect(received(event("worker-online"), new LamportClock(), now)).toMatchObject({ timestamp: 1000, local_received: now / 1000 });
});

it("learns from the clocks of nodes, and takes those of clients to be just behind its own", () => {
  const clock = new LamportClock();
  expect(received(event("task-started", { clock: 40 }), clock, 0).clock).toBe(40);
  expect(clock.value).toBe(41);
  expect(received(event("task-sent", { clock: 900 }), clock, 0).clock).toBe(40);
  expect(clock.value).toBe(42);
  expect(received(event("task-started"), clock, 0).clock).toBe(43);
});

it("gives out what it hears one by one, wakes the nodes each time it begins to listen, and reports what is no event", async () => {
  const heard = [
    encodeEvents("celery@a", "task.multi", `[${eventText(event("task-received"))}, ${eventText(event("task-started"))}]`),
    "no envelope",
    encodeEvents("celery@a", "worker.online", eventText(event("worker-online"))),
  ];
  const faults: unknown[] = [];
  let woken = 0;
  const link = {
    publish: async () => 0,
    async *receive(_: AbortSignal, { onListening }: { onListening?(): void } = {}) {
      onListening?.();
      onListening?.(); // after a gap
      for (const text of heard) yield Buffer.from(text);
    },
  };
  const wakeUp = async () => {
    woken += 1;
    if (woken === 2) throw new Error("nobody to be asked");
  };
  const options = { link, lamport: new LamportClock(), now: () => 5000, wakeUp, onFault: (fault: unknown) => faults.push(fault) };
  const got: ReceivedEvent[] = [];
  for await (const one of receiveEvents(options, new AbortController().signal)) got.push(one);
  expect(got.map(({ type }) => type)).toEqual(["task-received", "task-started", "worker-online"]);
  expect(woken).toBe(2);
  expect(faults).toEqual([
    expect.objectContaining({ message: "nobody to be asked" }),
    expect.objectContaining({ code: "LOVAGE_ENVELOPE_INVALID" }),
  ]);
});
