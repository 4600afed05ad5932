import { describe, expect, it } from "vitest";
import { createLogger, type LogLevel } from "../kernel/logger.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { Outcome } from "../message/outcome.ts";
import { TaskLog } from "./task-log.ts";

const message = newTaskMessage({
  ...{ id: "id-1", task: "photos.total", rootId: "root-1", retries: 1, routingKey: "photos", args: ["a secret argument"] },
  stamps: { correlation: "request-7" },
  headers: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
});
const facts =
  '"task":"photos.total","taskId":"id-1","queue":"photos","attempt":2,"correlationId":"request-7","traceId":"0af7651916cd43dd8448eb211c80319c"';
const error = { exc_type: "TypeError", exc_message: ["no such photo"], exc_module: "" } as const;
const failed: Outcome = { kind: "failure", error, traceback: "Traceback: here", children: [], cause: "exception" };
const outcomes: readonly Outcome[] = [
  { kind: "success", value: "a secret result", children: [] },
  failed,
  { kind: "retry", error, traceback: "Traceback: here", children: [], retry: { delayMs: 1500.4 } },
  { kind: "revoked", reason: "terminated" },
  { kind: "rejected", requeue: false, reason: "not mine" },
  { kind: "ignored" },
];

function lines(level: LogLevel, asked: boolean): readonly string[] {
  const written: string[] = [];
  const log = createLogger({
    level,
    format: "json",
    fields: { node: "celery@h" },
    now: () => 0,
    write: (line) => written.push(line.trimEnd()),
  });
  const tasks = new TaskLog(log, asked);
  tasks.received(message);
  tasks.started(message);
  for (const outcome of outcomes) tasks.ended(message, outcome, 12.34);
  return written;
}
const line = (level: string, event: string, more = "") =>
  `{"time":"1970-01-01T00:00:00.000Z","level":"${level}","event":"${event}","node":"celery@h",${facts}${more}}`;
const always = [
  line(
    "error",
    "task.failed",
    ',"error":"TypeError","message":"no such photo","cause":"exception","runtimeMs":12.3,"traceback":"Traceback: here"',
  ),
  line("info", "task.retried", ',"error":"TypeError","message":"no such photo","inMs":1500'),
  line("info", "task.revoked", ',"reason":"terminated","runtimeMs":12.3'),
  line("warn", "task.rejected", ',"requeue":false,"reason":"not mine"'),
];
const all = (level: string) => [
  line(level, "task.received"),
  line(level, "task.started"),
  line(level, "task.succeeded", ',"runtimeMs":12.3'),
  ...always,
  line(level, "task.left", ',"how":"ignored","runtimeMs":12.3'),
];

describe("TaskLog", () => {
  it("says what fails or is tried again, with all that it can be found by, and nothing of what goes well", () => {
    expect(lines("info", false)).toEqual(always);
    expect(lines("error", false)).toEqual(always.slice(0, 1));
  });

  it("says the rest at level debug, or at info where it was asked for, and never arguments or results", () => {
    expect(lines("debug", false)).toEqual(all("debug"));
    expect(lines("info", true)).toEqual(all("info"));
    expect(lines("debug", true).join()).not.toContain("secret");
  });

  it("names a workflow by its first task where nobody gave it an id", () => {
    const written: string[] = [];
    const tasks = new TaskLog(createLogger({ write: (text) => written.push(text), now: () => 0 }), false);
    tasks.ended(newTaskMessage({ id: "id-1", task: "t", rootId: "root-1" }), { kind: "revoked", reason: "expired" }, undefined);
    expect(written).toEqual([
      "1970-01-01 00:00:00.000 INFO  task.revoked task=t taskId=id-1 queue=celery attempt=1 correlationId=root-1 reason=expired\n",
    ]);
  });
});
