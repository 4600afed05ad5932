import { describe, expect, it } from "vitest";
import { isLovageError, RemoteError, TaskRevokedError, TimeLimitError, WorkerLostError } from "../kernel/errors.ts";
import { fromExceptionRecord, reprException, toExceptionRecord } from "./exceptions.ts";
import { stringifyWireJson } from "./json.ts";

describe("toExceptionRecord", () => {
  it("names a foreign error by its name, in a module that Python never loads", () => {
    expect(toExceptionRecord(new TypeError("no such box")).error).toEqual({
      exc_type: "TypeError",
      exc_message: ["no such box"],
      exc_module: "lovage.js",
    });
    class BadPhoto extends Error {}
    expect(toExceptionRecord(new BadPhoto("x")).error.exc_type).toBe("BadPhoto");
    expect(toExceptionRecord(Object.assign(new Error("x"), { name: "Custom Name" })).error.exc_type).toBe("Custom_Name");
    expect(toExceptionRecord(new DOMException("stopped", "AbortError")).error).toMatchObject({
      exc_type: "AbortError",
      exc_message: ["stopped"],
    });
  });

  it("puts the code of an error after its message, and shows both to a caller", () => {
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const { error } = toExceptionRecord(full);
    expect(error).toMatchObject({ exc_type: "Error", exc_message: ["no space left on device", "ENOSPC"] });
    expect(fromExceptionRecord(error, null, "id").message).toBe("Task id failed: Error: no space left on device [ENOSPC]");
    expect(toExceptionRecord(Object.assign(new Error("x"), { code: 20 })).error.exc_message).toEqual(["x"]);
  });

  it.each<[unknown, unknown]>([
    ["just text", "just text"],
    [42, 42],
    [undefined, null],
    [null, null],
    [Symbol("x"), "<Symbol(x)>"],
    [{ status: 404 }, { status: 404 }],
  ])("takes a thrown %j", (thrown, message) => {
    const { error, traceback } = toExceptionRecord(thrown);
    expect(error).toEqual({ exc_type: "Error", exc_message: [message], exc_module: "lovage.js" });
    expect(traceback).toMatch(/^Traceback \(most recent call last\):\nError: /);
  });

  it("writes Celery's own names for ours", () => {
    expect(toExceptionRecord(new TimeLimitError("LOVAGE_TIME_LIMIT", "late", { details: { seconds: 5 } })).error).toEqual({
      exc_type: "TimeLimitExceeded",
      exc_message: [5],
      exc_module: "billiard.exceptions",
    });
    expect(toExceptionRecord(new TaskRevokedError("LOVAGE_TASK_REVOKED", "…", { details: { reason: "expired" } })).error).toEqual({
      exc_type: "TaskRevokedError",
      exc_message: ["expired"],
      exc_module: "celery.exceptions",
    });
    expect(toExceptionRecord(new WorkerLostError("LOVAGE_WORKER_LOST", "signal 9")).error).toMatchObject({
      exc_type: "WorkerLostError",
      exc_message: ["signal 9"],
    });
  });

  it("recognises our errors from another copy of this package", () => {
    const copy = { name: "SoftTimeLimitError", message: "x", stack: "x", details: {}, [Symbol.for("lovage.error")]: true };
    expect(toExceptionRecord(copy).error).toEqual({
      exc_type: "SoftTimeLimitExceeded",
      exc_message: [],
      exc_module: "billiard.exceptions",
    });
  });

  it("passes a remote error on under its own name, with what the other worker saw", () => {
    const remote = fromExceptionRecord(
      { exc_type: "ValueError", exc_message: ["boom", 42], exc_module: "builtins" },
      "Traceback: there",
      "id-1",
    );
    const { error, traceback } = toExceptionRecord(remote);
    expect(error).toEqual({ exc_type: "ValueError", exc_message: ["boom", 42], exc_module: "builtins" });
    expect(traceback).toContain("Traceback: there");
  });

  it("has the errors of an AggregateError in the traceback, each with its own cause before the next", () => {
    const first = new Error("first", { cause: new Error("its cause") });
    const { traceback } = toExceptionRecord(new AggregateError([first, new Error("second")], "all"));
    expect(traceback).toMatch(/AggregateError: all[\s\S]+Error: first[\s\S]+Error: its cause[\s\S]+Error: second/);
    expect(toExceptionRecord(new AggregateError(Array.from({ length: 50 }, (_, i) => new Error(`no. ${i}`)))).traceback).not.toContain(
      "no. 11",
    );
  });
  it("has the stack and every cause in the traceback, and ends on a cycle", () => {
    const root = new Error("disk full");
    const error = new Error("cannot save", { cause: new Error("cannot write", { cause: root }) });
    root.cause = error;
    const { traceback } = toExceptionRecord(error);
    expect(traceback.startsWith("Traceback (most recent call last):\nError: cannot save\n    at ")).toBe(true);
    expect(traceback.match(/Caused by:/g)).toHaveLength(2);
    expect(traceback).toContain("Error: disk full\n");
  });

  it("never throws, and always gives what can be written", () => {
    const hostile = new Proxy(new Error("x"), {
      get() {
        throw new Error("no");
      },
    });
    for (const thrown of [
      hostile,
      Object.create(null),
      new Error("x", { cause: hostile }),
      new RemoteError("LOVAGE_X", "m", { details: { type: "T", args: [new Map()] } }),
    ]) {
      const { error, traceback } = toExceptionRecord(thrown);
      expect(() => stringifyWireJson(error)).not.toThrow();
      expect(traceback).toMatch(/^Traceback/);
    }
  });
});

describe("fromExceptionRecord", () => {
  it.each([
    [
      { exc_type: "SoftTimeLimitExceeded", exc_message: [], exc_module: "billiard.exceptions" },
      "LOVAGE_SOFT_TIME_LIMIT",
      "soft time limit",
    ],
    [{ exc_type: "TimeLimitExceeded", exc_message: [1], exc_module: "billiard.exceptions" }, "LOVAGE_TIME_LIMIT", "time limit of 1 s"],
    [{ exc_type: "WorkerLostError", exc_message: ["signal 9"], exc_module: "billiard.exceptions" }, "LOVAGE_WORKER_LOST", "signal 9"],
    [{ exc_type: "TaskRevokedError", exc_message: ["expired"], exc_module: "celery.exceptions" }, "LOVAGE_TASK_REVOKED", "expired"],
    [{ exc_type: "ChordError", exc_message: ["Dependency x"], exc_module: "celery.exceptions" }, "LOVAGE_CHORD_FAILED", "Dependency x"],
    [
      { exc_type: "MaxRetriesExceededError", exc_message: ["no more"], exc_module: "celery.exceptions" },
      "LOVAGE_RETRIES_EXHAUSTED",
      "no more",
    ],
    [{ exc_type: "NotRegistered", exc_message: ["t.nope"], exc_module: "celery.exceptions" }, "LOVAGE_NOT_REGISTERED", "t.nope"],
    [{ exc_type: "ValueError", exc_message: ["boom", 42], exc_module: "builtins" }, "LOVAGE_TASK_FAILED", "ValueError('boom', 42)"],
    [{ exc_type: "TypeError", exc_message: ["no such box"], exc_module: "lovage.js" }, "LOVAGE_TASK_FAILED", "TypeError: no such box"],
    // Another module's class of a known name is not ours, nor is what every object has.
    [{ exc_type: "ChordError", exc_message: ["x"], exc_module: "proj" }, "LOVAGE_TASK_FAILED", "ChordError('x')"],
    [{ exc_type: "constructor", exc_message: ["x"], exc_module: "celery.exceptions" }, "LOVAGE_TASK_FAILED", "constructor('x')"],
    [{ exc_type: "E", exc_message: "plain", exc_module: null }, "LOVAGE_TASK_FAILED", "E('plain')"],
    ["not a record", "LOVAGE_TASK_FAILED", "unknown('not a record')"],
    [null, "LOVAGE_TASK_FAILED", "unknown()"],
    [{ exc_type: 5 }, "LOVAGE_TASK_FAILED", "unknown()"],
  ])("reads %j", (record, code, text) => {
    const error = fromExceptionRecord(record, "there", "id-1");
    expect(isLovageError(error, code as `LOVAGE_${string}`)).toBe(true);
    expect(error.message).toContain(text);
    expect(error.message).toContain("id-1");
    expect(error.details).toMatchObject({ taskId: "id-1", traceback: "there" });
  });
});

describe("reprException", () => {
  it.each([
    [{ exc_type: "ValueError", exc_message: ["boom", 42], exc_module: "builtins" }, "ValueError('boom', 42)"],
    [{ exc_type: "Outer.Inner", exc_message: [], exc_module: "m" }, "Inner()"],
    [{ exc_type: "E", exc_message: ["it's"], exc_module: "m" }, `E("it's")`],
    [{ exc_type: "E", exc_message: [`it's "x"\n`], exc_module: "m" }, `E('it\\'s "x"\\n')`],
  ])("spells %j as Python does", (record, text) => {
    expect(reprException(record)).toBe(text);
  });
});
