import { describe, expect, it } from "vitest";
import { defineTask } from "./define-task.ts";
import { createRegistry } from "./registry.ts";
import { remoteTask } from "./remote-task.ts";

describe("defineTask", () => {
  it("resolves durations to seconds and keeps silent where nothing was said", () => {
    const { settings } = defineTask("t", { timeLimit: "10m", softTimeLimit: "9m", queue: "gpu", expires: 30 }, () => 1);
    expect(settings).toMatchObject({ timeLimit: 600, softTimeLimit: 540, queue: "gpu", expires: 30, acksLate: null, retry: null });
  });
  it("resolves a retry policy to its whole form", () => {
    const { settings } = defineTask("t", { retry: { max: 5, backoff: "30s" } }, () => 1);
    expect(settings.retry).toEqual({ on: null, not: [], max: 5, backoff: { firstMs: 30_000, factor: 1, maxMs: 30_000, jitter: "none" } });
    expect(defineTask("t", { retry: {} }, () => 1).settings.retry?.max).toBe(3);
  });
  it.each([
    ["an empty name", () => defineTask("", () => 1), "LOVAGE_TASK_INVALID"],
    ["no handler", () => defineTask("t", {} as never), "LOVAGE_TASK_INVALID"],
    ["a soft limit above the hard one", () => defineTask("t", { timeLimit: 1, softTimeLimit: 2 }, () => 1), "LOVAGE_TASK_INVALID"],
    ["an unreadable limit", () => defineTask("t", { timeLimit: "soon" }, () => 1), "LOVAGE_DURATION_INVALID"],
    ["the same name twice", () => defineTask("t", { params: ["a", "a"] }, () => 1), "LOVAGE_TASK_INVALID"],
    ["text where unique is yes or no", () => defineTask("t", { unique: "yes" as never }, () => 1), "LOVAGE_TASK_INVALID"],
    ["a unique key that is no function", () => defineTask("t", { unique: { key: "" as never } }, () => 1), "LOVAGE_TASK_INVALID"],
    ["a negative number of retries", () => defineTask("t", { retry: { max: -1 } }, () => 1), "LOVAGE_RETRY_INVALID"],
  ])("refuses %s", (_, define, code) => {
    expect(define).toThrow(expect.objectContaining({ code }));
  });
  it.each([
    [{ unique: { keys: 1 } }, 'unique is {"keys":1}: expected no field "keys" in it, only key, until, forMs, name.'],
    [
      { rateLimit: { limit: 1, bursts: 2 } },
      'rateLimit is {"limit":1,"bursts":2}: expected no field "bursts" in it, only limit, scope, per, name, burst.',
    ],
    [{ rateLimit: [{ rate: 1 }] }, 'rateLimit is {"rate":1}: expected no field "rate" in it, only limit, scope, per, name, burst.'],
    [
      { rateLimit: [1] },
      'rateLimit is 1: expected starts per second, text such as "10/s", "100/m", "5/h", or { limit, scope, per, name, burst }.',
    ],
    [
      { concurrency: { limit: 1, scope: "node" } },
      'concurrency is {"limit":1,"scope":"node"}: expected no field "scope" in it, only limit, per, name.',
    ],
    [{ concurrency: "2" }, 'concurrency is "2": expected a whole number of at least 1, or { limit, per, name }.'],
    [{ concurrency: null }, "concurrency is null: expected a whole number of at least 1, or { limit, per, name }."],
    [{ priority: 10 }, "priority is 10: expected a whole number, 0 (most urgent) to 9."],
  ])("refuses %o, with the value and what would do", (options, message) => {
    expect(() => defineTask("t", options as never, () => 1)).toThrow(
      expect.objectContaining({ code: "LOVAGE_TASK_INVALID", message: `Task "t": ${message}` }),
    );
  });
  it("refuses an option that there is not, with the one that may be meant", () => {
    expect(() => defineTask("t.typo", { ratelimit: "1/s" } as never, () => 1)).toThrow(
      expect.objectContaining({
        code: "LOVAGE_TASK_INVALID",
        message: expect.stringMatching(/^Task "t.typo": there is no option "ratelimit"\. Did you mean .*rateLimit\?$/),
      }),
    );
  });
  it("says why a task that belongs to no app cannot be sent by itself", async () => {
    await expect(defineTask("t.lonely", () => 1).delay()).rejects.toMatchObject({ code: "LOVAGE_APP_UNKNOWN" });
    await expect(remoteTask("py.task").delay()).rejects.toThrow(/app\.send/);
  });
});

describe("signatures", () => {
  const add = defineTask("t.add", (x: number, y: number) => x + y);
  it("are Celery's dictionaries", () => {
    expect(add.s(1).toSignature()).toEqual({ task: "t.add", args: [1], kwargs: {}, options: {}, subtask_type: null, immutable: false });
    expect(JSON.parse(JSON.stringify(add.si(1, 2)))).toMatchObject({ args: [1, 2], immutable: true });
  });
  it("take options by Celery's names and leave the old one as it was", () => {
    const old = add.s(1);
    const set = old.set({ queue: "q", countdown: "1m", timeLimit: "2m", ignoreResult: true, kwargs: { z: 1 } });
    expect(set.toSignature().options).toEqual({ queue: "q", countdown: 60, time_limit: 120, ignore_result: true });
    expect(set.toSignature().kwargs).toEqual({ z: 1 });
    expect(old.toSignature().options).toEqual({});
  });
  it("gather links", () => {
    const { options } = add.s(1).link(add.s(2)).link(add.s(3)).linkError(add.si(4, 5)).toSignature();
    expect(options.link).toHaveLength(2);
    expect(options.link_error).toHaveLength(1);
  });
  it.each([
    ["an eta without an offset", { eta: "2030-01-01T00:00:00" }],
    ["a broken date", { eta: new Date(Number.NaN) }],
    ["a priority that is no whole number", { priority: 1.5 }],
    ["a priority above Celery's", { priority: 10 }],
    ["a priority below 0", { priority: -1 }],
    ["a field of unique that there is not", { unique: { until: "start", name: "n" } as object }],
    ["an empty task id", { taskId: "" }],
    ["an empty unique key", { unique: { key: "" } }],
    ["text where unique is yes or no", { unique: "yes" as never }],
  ])("refuse %s", (_, options) => {
    expect(() => add.s(1).set(options)).toThrow(expect.objectContaining({ code: "LOVAGE_SEND_OPTIONS_INVALID" }));
  });
  it.each([
    [{ contdown: 5 }, 'There is no send option "contdown". Did you mean countdown?'],
    [{ somethingElse: 5 }, 'There is no send option "somethingElse".'],
  ])("refuse what is none: %o", (options, message) => {
    expect(() => add.s(1).set(options as object)).toThrow(expect.objectContaining({ code: "LOVAGE_SEND_OPTIONS_INVALID", message }));
  });
  it("write moments as Python does", () => {
    expect(add.s().set({ eta: "2030-01-02T03:04:05+02:00" }).toSignature().options.eta).toBe("2030-01-02T01:04:05.000000+00:00");
    expect(
      add
        .s()
        .set({ expires: new Date(1_700_000_000_123) })
        .toSignature().options.expires,
    ).toBe("2023-11-14T22:13:20.123000+00:00");
  });
});

describe("a registry", () => {
  const one = defineTask("t.one", () => 1);
  it("takes modules as they are imported and leaves out what is no task", () => {
    const registry = createRegistry({ one, helper: () => 1, text: "x" }, [defineTask("t.two", () => 2)]);
    expect(registry.names()).toEqual(["t.one", "t.two"]);
    expect(registry.get("t.one")).toBe(one);
  });
  it("takes the same task twice, and two tasks of one name not at all", () => {
    expect(createRegistry({ a: one, b: one }).names()).toEqual(["t.one"]);
    expect(() => createRegistry([one, defineTask("t.one", () => 2)])).toThrow(expect.objectContaining({ code: "LOVAGE_TASK_TWICE" }));
  });
});
