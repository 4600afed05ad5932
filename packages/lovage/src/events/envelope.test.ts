import { describe, expect, it } from "vitest";
import { capturedEvents } from "../../test-data/load-events.ts";
import { LamportClock } from "../kernel/lamport-clock.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { Outcome } from "../message/outcome.ts";
import { decodeEvents, encodeEvents, eventText } from "./envelope.ts";
import { newEvent, routingKeyOf, taskBatchKey } from "./event.ts";
import { endedEvents, exceptionRepr, receivedEvent, sentEvent, startedEvent } from "./task-events.ts";
import { nodeFields, shortFields } from "./worker-events.ts";

const origin = { hostname: "celery@here", pid: 7, clock: new LamportClock() };
const software = { sw_ident: "lovage", sw_ver: "1.0.0", sw_sys: "Linux" };
const message = newTaskMessage({ id: "id-1", task: "t.add", args: [2, 3], kwargs: {}, shadow: "t.shown", expires: "2026-01-02T00:00:00Z" });
const error = { exc_type: "ValueError", exc_message: ["boom", 42], exc_module: "builtins" };
const failed = { error, traceback: "Traceback…", children: [] };
const ended = (outcome: Outcome) => endedEvents({ message, outcome, runtimeMs: 1500 });
const ours = [
  receivedEvent(message),
  startedEvent(message),
  sentEvent(message),
  ...ended({ kind: "success", value: ["a"], children: [] }),
  ...ended({ kind: "failure", cause: "exception", ...failed }),
  ...ended({ kind: "retry", retry: { delayMs: 0 }, ...failed }),
  ...ended({ kind: "rejected", requeue: true }),
  ...ended({ kind: "revoked", reason: "terminated" }),
  { type: "worker-online", fields: nodeFields({ active: 1, processed: 2, loadavg: [0.123, 1, 2] }, software) },
  { type: "worker-heartbeat", fields: nodeFields({ active: 1, processed: 2, loadavg: [0.123, 1, 2] }, software) },
  { type: "worker-offline", fields: nodeFields({ active: 1, processed: 2, loadavg: [0.123, 1, 2] }, software) },
].map(({ type, fields }) => newEvent(origin, type, fields));
const theirs = capturedEvents.flatMap(({ envelope, version, name }) =>
  decodeEvents(Buffer.from(envelope)).map((event) => ({ event, version, name })),
);

describe("events of real Celery", () => {
  it("are all read, one by one and in batches", () => {
    expect(theirs.length).toBeGreaterThanOrEqual(capturedEvents.length);
    for (const { event } of theirs)
      expect(event).toMatchObject({ hostname: expect.any(String), timestamp: expect.any(Number), clock: expect.any(Number) });
    const types = new Set(theirs.map(({ event }) => event.type));
    for (const { type } of ours) expect(types).toContain(type);
  });

  it.each(ours.map((event) => [event.type, event] as const))("%s of ours has the fields of theirs, in their order", (type, event) => {
    const same = theirs.filter((one) => one.event.type === type && one.name !== "w_plain_22_unknown_task" && one.event.freq !== 5);
    expect(same.length).toBeGreaterThan(0);
    for (const one of same) expect(Object.keys(event)).toEqual(Object.keys(one.event));
  });

  it("a heartbeat that was asked for is theirs", () => {
    const short = theirs.find(({ event }) => event.type === "worker-heartbeat" && event.freq === 5);
    expect(Object.keys(newEvent(origin, "worker-heartbeat", shortFields(software)))).toEqual(Object.keys(short?.event ?? {}));
    expect(shortFields(software).freq).toBe(5);
  });

  it("envelopes of ours are theirs but for tags and contents", () => {
    for (const { envelope, key } of capturedEvents) {
      const [event] = decodeEvents(Buffer.from(envelope));
      if (event === undefined) continue;
      const { headers } = JSON.parse(envelope);
      const own = encodeEvents(headers.hostname, key, key === taskBatchKey ? `[${eventText(event)}]` : eventText(event));
      const blank = (text: string) => text.replace(/"body": "[^"]*"/, "").replace(/"delivery_tag": "[^"]*"/, "");
      expect(blank(own)).toBe(blank(envelope));
      expect(key === taskBatchKey || key === routingKeyOf(event.type)).toBe(true);
      expect(decodeEvents(Buffer.from(own))).toEqual([event]);
    }
  });
});

describe("what an event says", () => {
  const said = (type: string) => ours.find((event) => event.type === type);

  it("of a task", () => {
    expect(said("task-received")).toMatchObject({ uuid: "id-1", name: "t.shown", args: "(2, 3)", kwargs: "{}", retries: 0, eta: null });
    expect(said("task-sent")).toMatchObject({ name: "t.add", queue: "celery", exchange: "", routing_key: "celery" });
    expect(said("task-succeeded")).toMatchObject({ result: "['a']", runtime: 1.5 });
    expect(said("task-failed")).toMatchObject({ exception: "ValueError('boom', 42)", traceback: "Traceback…" });
    expect(said("task-revoked")).toMatchObject({ terminated: true, signum: 15, expired: false });
    expect(ended({ kind: "revoked", reason: "expired" })[0]?.fields).toMatchObject({ terminated: false, signum: null, expired: true });
    expect(exceptionRepr({ exc_type: "Odd", exc_message: "text", exc_module: null })).toBe("Odd('text')");
  });

  it("nothing of a task that is ignored or replaced, as Celery", () => {
    expect(ended({ kind: "ignored" })).toEqual([]);
  });

  it("text beyond ASCII survives", () => {
    const event = newEvent(origin, "task-failed", { uuid: "ü", exception: "Fehler('…\ud83d\ude00')" });
    expect(decodeEvents(Buffer.from(encodeEvents("celery@höst", taskBatchKey, `[${eventText(event)}]`)))).toEqual([event]);
  });
});

it("reads what is no event as none, and refuses what is no envelope", () => {
  expect(decodeEvents(Buffer.from(encodeEvents("n", taskBatchKey, "[]")))).toEqual([]);
  expect(decodeEvents(Buffer.from(encodeEvents("n", taskBatchKey, '[1, null, {"uuid": 1}, {"type": "task-x"}]')))).toEqual([
    { type: "task-x" },
  ]);
  expect(() => decodeEvents(Buffer.from("x"))).toThrow(expect.objectContaining({ code: "LOVAGE_ENVELOPE_INVALID" }));
});
