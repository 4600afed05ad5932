import { describe, expect, it } from "vitest";
import { chainSignature } from "../canvas/steps.ts";
import { exponential } from "../kernel/backoff.ts";
import { SoftTimeLimitError, TaskRevokedError } from "../kernel/errors.ts";
import { silentLogger } from "../kernel/logger.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { defaultMiddleware } from "../middleware/default-middleware.ts";
import type { Middleware } from "../middleware/middleware.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";
import type { Call, Sender } from "../task/sender.ts";
import type { AnyTask } from "../task/task-definition.ts";
import { ignore, reject } from "./control-flow.ts";
import { currentRun } from "./current-run.ts";
import { execute } from "./execute.ts";
import type { ExecutionContext } from "./execution-context.ts";
import type { ProgressEntry, RunControls } from "./run-controls.ts";

const sender: Sender = {
  name: "test",
  apply: () => Promise.reject(new Error("nothing is sent here")),
  prepare: () => Promise.reject(new Error("nothing is sent here")),
};
const context: ExecutionContext = {
  sender,
  middleware: defaultMiddleware,
  once: async (_, work) => work(),
  now: () => 1000,
  random: () => 0.5,
  resultExpiresMs: null,
};

function controls(over: Partial<RunControls> = {}): RunControls {
  return {
    delivery: { epoch: "e", number: 7 },
    nodeName: "celery@host",
    pid: 1,
    signal: new AbortController().signal,
    throwIfAborted: () => undefined,
    publish: async () => undefined,
    mustLive: () => undefined,
    handOn: () => undefined,
    progress: () => undefined,
    emit: async () => true,
    setState: async () => undefined,
    log: silentLogger,
    suspend: (work) => work,
    ...over,
  };
}

const run = (task: AnyTask, message: Partial<TaskMessage> = {}, over: Partial<ExecutionContext> = {}, more: Partial<RunControls> = {}) =>
  execute(task, newTaskMessage({ task: task.name, ...message }), controls(more), { ...context, ...over });

describe("a run", () => {
  it("gives the handler's value, and null for nothing", async () => {
    expect(
      await run(
        defineTask("t", (x: number) => x * 2),
        { args: [21] },
      ),
    ).toEqual({ kind: "success", value: 42, children: [] });
    expect(await run(defineTask("t", async () => undefined))).toMatchObject({ value: null });
  });
  it("fails with what the handler threw", async () => {
    const outcome = await run(defineTask("t", () => Promise.reject(new RangeError("too far"))));
    expect(outcome).toMatchObject({ kind: "failure", cause: "exception", error: { exc_type: "RangeError", exc_message: ["too far"] } });
  });
  it("survives whatever is thrown", async () => {
    for (const thrown of [undefined, null, "text", 7, Object.create(null)])
      expect(await run(defineTask("t", () => Promise.reject(thrown)))).toMatchObject({ kind: "failure" });
  });
  it("fails as invalid-arguments before the handler sees them", async () => {
    let called = false;
    const task = defineTask("t", { params: ["x"] }, (_x: number) => {
      called = true;
    });
    expect(await run(task, { kwargs: { y: 1 } })).toMatchObject({ kind: "failure", cause: "invalid-arguments" });
    expect(called).toBe(false);
  });
  it("says when it was a limit or a cancel that ended it", async () => {
    const limit = defineTask("t", () => Promise.reject(new SoftTimeLimitError("LOVAGE_SOFT_TIME_LIMIT", "late")));
    const cancel = defineTask("t", () => Promise.reject(new TaskRevokedError("LOVAGE_TASK_REVOKED", "stop")));
    expect(await run(limit)).toMatchObject({ kind: "failure", cause: "soft-time-limit" });
    expect(await run(cancel)).toEqual({ kind: "revoked", reason: "terminated" });
  });
  it("takes ignore and reject for what they are", async () => {
    expect(await run(defineTask("t", () => Promise.reject(ignore())))).toEqual({ kind: "ignored" });
    expect(await run(defineTask("t", () => Promise.reject(reject({ requeue: true }))))).toEqual({
      kind: "rejected",
      requeue: true,
      reason: null,
    });
  });
  it("knows itself, however deep", async () => {
    const deep = async () => {
      await Promise.resolve();
      const { id, rootId, retries, hostname, fencingToken, correlationId, queue } = currentRun();
      return { id, rootId, retries, hostname, fencingToken, correlationId, queue };
    };
    const outcome = await run(
      defineTask("t", () => deep()),
      { id: "a", rootId: "r", retries: 2, stampedHeaders: ["correlation"], stamps: { correlation: "c" } },
    );
    expect(outcome).toMatchObject({
      value: { id: "a", rootId: "r", retries: 2, hostname: "celery@host", fencingToken: "e/7", correlationId: "c", queue: "celery" },
    });
  });
  it("keeps runs at once apart", async () => {
    const task = defineTask("t", async () => {
      const before = currentRun().id;
      await Promise.resolve();
      return [before, currentRun().id];
    });
    const outcomes = await Promise.all(["a", "b", "c"].map((id) => run(task, { id })));
    expect(outcomes.map((outcome) => outcome.kind === "success" && outcome.value)).toEqual([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
    ]);
  });
  it("does not make an abort signal that nobody asked for", async () => {
    let asked = 0;
    const lazy = Object.defineProperty(controls(), "signal", {
      get: () => {
        asked += 1;
        return new AbortController().signal;
      },
    });
    await execute(
      defineTask("t", () => 1),
      newTaskMessage({ task: "t" }),
      lazy,
      context,
    );
    expect(asked).toBe(0);
    await execute(
      defineTask("t", () => currentRun().signal.aborted),
      newTaskMessage({ task: "t" }),
      lazy,
      context,
    );
    expect(asked).toBe(1);
  });
  it("emits events of its own for those who follow its workflow", async () => {
    const lines: unknown[] = [];
    const emit = async (_: unknown, line: string) => lines.push(JSON.parse(line)) > 0;
    const task = defineTask("t", () => currentRun().emit("agent.step", { step: "plan" }));
    expect(await run(task, { id: "a", rootId: "r" }, {}, { emit })).toMatchObject({ kind: "success", value: true });
    const data = { step: "plan" };
    expect(lines).toEqual([{ taskId: "a", rootId: "r", task: "t", fraction: null, message: null, event: "agent.step", data, at: 1000 }]);
    const nameless = defineTask("t", () => currentRun().emit("a.b\nc" as "a.b", 1));
    expect(await run(nameless)).toMatchObject({ kind: "failure", error: { exc_type: "UsageError" } });
  });
  it("reports progress between nothing and all, and to Python as a state of its own", async () => {
    const entries: ProgressEntry[] = [];
    const states: string[] = [];
    const task = defineTask("t", { track: "python" }, () => {
      currentRun().progress(0.5, "half", { step: 2 });
      currentRun().progress(7);
    });
    await run(
      task,
      { id: "a", rootId: "r" },
      {},
      {
        progress: (entry) => entries.push(entry),
        setState: async ({ document }) => void states.push(document),
      },
    );
    expect(entries).toEqual([
      { taskId: "a", rootId: "r", task: "t", fraction: 0.5, message: "half", data: { step: 2 }, at: 1000 },
      { taskId: "a", rootId: "r", task: "t", fraction: 1, message: null, at: 1000 },
    ]);
    expect(states.map((document) => JSON.parse(document))).toMatchObject([
      { status: "PROGRESS", result: { fraction: 0.5, message: "half" } },
    ]);
  });
});

describe("an errback", () => {
  const errback = defineTask("t", { errback: true }, (request, failed, traceback) => [request, failed.message, failed.details, traceback]);
  it("gets the request, the error as a caller would, and the traceback", async () => {
    const request = { id: "a", task: "t.bad", args: [1] };
    const record = { exc_type: "ValueError", exc_message: ["no"], exc_module: "builtins" };
    expect(await run(errback, { args: [request, record, "Traceback"] })).toMatchObject({
      value: [request, "Task a failed: ValueError('no')", { type: "ValueError", args: ["no"], taskId: "a" }, "Traceback"],
    });
  });
  it("gets the id alone where the other side tells no more", async () => {
    expect(await run(errback, { args: ["a"] })).toMatchObject({
      value: [{ id: "a", task: null, args: null }, expect.any(String), {}, null],
    });
  });
  it("has what its signature bound by name, and refuses what it has no name for", async () => {
    const params = ["request", "failed", "traceback", "label"];
    const named = defineTask("t", { errback: true, params }, (request, _failed, _traceback, label: string) => [request.id, label]);
    expect(await run(named, { args: ["a"], kwargs: { label: "l" } })).toMatchObject({ kind: "success", value: ["a", "l"] });
    expect(await run(errback, { args: ["a"], kwargs: { label: "l" } })).toMatchObject({
      kind: "failure",
      cause: "invalid-arguments",
    });
  });
});

describe("a retry that is asked for", () => {
  it("takes no priority but Celery's", async () => {
    const retrying = (priority: number) => run(defineTask("t", () => currentRun().retry({ priority })));
    expect(await retrying(9)).toMatchObject({ kind: "retry", retry: { priority: 9 } });
    expect(await retrying(10)).toMatchObject({
      kind: "failure",
      error: {
        exc_message: ["Retry option priority is 10: expected a whole number, 0 (most urgent) to 9.", "LOVAGE_SEND_OPTIONS_INVALID"],
      },
    });
  });
});

describe("a member of a chord", () => {
  const body = remoteTask<[list: unknown], unknown>("body").s().toSignature();
  const member = remoteTask<[x: number], number>("t.add");
  const prepared: { signature?: unknown } = {};
  const preparing: Sender = {
    ...sender,
    prepare: async ({ signature }) => {
      prepared.signature = signature;
      return {
        publication: { messages: [{ taskId: "x", queue: "q", priority: 0, bytes: "" }] },
        children: [[["x", null], null]],
        handle: {} as never,
      };
    },
  };
  const adding = defineTask("t", () =>
    currentRun()
      .addToChord(member.s(1))
      .then(() => 7),
  );

  it("adds to it in one step with its success", async () => {
    const outcome = await run(adding, { groupId: "g", groupIndex: 3, chord: body }, { sender: preparing });
    expect(outcome).toEqual({
      ...{ kind: "success", value: 7, children: [[["x", null], null]], addsToChord: 1 },
      sends: { messages: [expect.objectContaining({ taskId: "x" })], chords: [] },
    });
    expect(prepared.signature).toMatchObject({ task: "t.add", options: { group_id: "g", group_index: 3 + 2 ** -16, chord: body } });
  });
  it("is told when it is none", async () => {
    expect(await run(adding, {}, { sender: preparing })).toMatchObject({
      kind: "failure",
      error: { exc_message: [expect.any(String), "LOVAGE_NOT_IN_A_CHORD"] },
    });
  });
});

describe("a run that sends a task by itself", () => {
  it("hands its definition to the app, which need not list it", async () => {
    const asked: Call[] = [];
    const asking: Sender = { ...sender, apply: async (call) => asked.push(call) as never };
    const other = defineTask("t.other", (_x: number) => 1);
    const sending = defineTask("t", async () => {
      for (const send of [() => other.delay(1), () => other.send([1]), () => other.s(1).delay()]) await send();
    });
    expect(await run(sending, {}, { sender: asking })).toMatchObject({ kind: "success" });
    expect(asked.map(({ definitions }) => [...(definitions ?? [])])).toEqual([[other], [other], [other]]);
  });
});

describe("a replacement", () => {
  it("must be there, and in no chord", async () => {
    const failed = { kind: "failure", error: { exc_type: "ImproperlyConfigured", exc_module: "celery.exceptions" } };
    expect(await run(defineTask("t", () => currentRun().replace(chainSignature([]))))).toMatchObject(failed);
    const inChord = { task: "t", args: [], kwargs: {}, options: { chord: "c" as never }, subtask_type: null, immutable: false };
    expect(await run(defineTask("t", () => currentRun().replace(inChord)))).toMatchObject(failed);
  });
});

describe("a retry", () => {
  it("waits as long as the server said, whether the code asks for it or throws what says so", async () => {
    const response = new Response(null, { status: 429, headers: { "Retry-After": "7" } });
    const asking = defineTask("t", () => currentRun().retry({ after: response }));
    expect(await run(asking)).toMatchObject({ kind: "retry", retry: { delayMs: 7000 } });
    const throwing = defineTask("t", { retry: {} }, () => Promise.reject(Object.assign(new Error("429"), { response })));
    expect(await run(throwing)).toMatchObject({ kind: "retry", retry: { delayMs: 7000 } });
    const withError = defineTask("t", () => currentRun().retry({ error: Object.assign(new Error("429"), { retryAfter: 3 }) }));
    expect(await run(withError)).toMatchObject({ kind: "retry", retry: { delayMs: 3000 } });
  });

  it("follows its policy where the server said nothing that can be read, and the code's own word where it gave one", async () => {
    const policy = { backoff: exponential({ first: "2s", jitter: "none" }) };
    const task = defineTask("t", { retry: policy }, () => currentRun().retry({ after: "soon" }));
    expect(await run(task)).toMatchObject({ retry: { delayMs: 2000 } });
    const own = defineTask("t", () => currentRun().retry({ after: "60", delayMs: 10 }));
    expect(await run(own)).toMatchObject({ retry: { delayMs: 10 } });
  });

  class Flaky extends Error {}
  const policy = { on: [Flaky], max: 2, backoff: exponential({ first: "2s", jitter: "none" }) };
  const flaky = defineTask("t", { retry: policy }, () => Promise.reject(new Flaky("again")));

  it("comes by itself, after growing delays, until it is used up", async () => {
    expect(await run(flaky)).toMatchObject({ kind: "retry", retry: { delayMs: 2000 }, error: { exc_type: "Flaky" } });
    expect(await run(flaky, { retries: 1 })).toMatchObject({ kind: "retry", retry: { delayMs: 4000 } });
    expect(await run(flaky, { retries: 2 })).toMatchObject({ kind: "failure", cause: "retries-exhausted", error: { exc_type: "Flaky" } });
  });
  it("does not come for other errors", async () => {
    const task = defineTask("t", { retry: policy }, () => Promise.reject(new TypeError("no")));
    expect(await run(task)).toMatchObject({ kind: "failure", cause: "exception" });
  });
  it("does not come for arguments that will never do, nor by default for the soft limit", async () => {
    const task = defineTask("t", { retry: {}, params: [] }, () => Promise.reject(new SoftTimeLimitError("LOVAGE_SOFT_TIME_LIMIT", "late")));
    expect(await run(task)).toMatchObject({ kind: "failure", cause: "soft-time-limit" });
    expect(await run(task, { args: [1] })).toMatchObject({ kind: "failure", cause: "invalid-arguments" });
  });
  it("takes the numbers that the call brought", async () => {
    const lovage = { retry: { max: 1, backoff: { firstMs: 50, factor: 1, maxMs: 50, jitter: "none" as const } } };
    const plain = defineTask("t", () => Promise.reject(new Error("x")));
    expect(await run(plain, { lovage })).toMatchObject({ kind: "retry", retry: { delayMs: 50 } });
    expect(await run(plain, { lovage, retries: 1 })).toMatchObject({ cause: "retries-exhausted" });
  });
  it("can be asked for, with other arguments and a delay of its own", async () => {
    const task = defineTask("t", () => currentRun().retry({ delayMs: 10, args: [2], error: new Flaky("busy") }));
    expect(await run(task)).toMatchObject({ kind: "retry", retry: { delayMs: 10, args: [2] }, error: { exc_type: "Flaky" } });
  });
  it("that is asked for too often is a failure: the given error, else one in Celery's words", async () => {
    const withError = defineTask("t", () => currentRun().retry({ max: 1, error: new Flaky("busy") }));
    const without = defineTask("t.x", () => currentRun().retry({ max: 0 }));
    expect(await run(withError, { retries: 1 })).toMatchObject({ cause: "retries-exhausted", error: { exc_type: "Flaky" } });
    expect(await run(without, { id: "a" })).toMatchObject({
      error: { exc_type: "MaxRetriesExceededError", exc_message: ["Can't retry t.x[a] args:() kwargs:{}"] },
    });
  });
  it("can have another expiry", async () => {
    const task = defineTask("t", () => currentRun().retry({ expires: "1m" }));
    expect(await run(task)).toMatchObject({ retry: { expires: "1970-01-01T00:01:01.000000+00:00" } });
  });
  it("without end goes on", async () => {
    const task = defineTask("t", { retry: { max: null } }, () => Promise.reject(new Error("x")));
    expect(await run(task, { retries: 1000 })).toMatchObject({ kind: "retry" });
  });
});

describe("middleware", () => {
  const note = (name: string, seen: string[]): Middleware => ({
    name,
    async execute(execution, next) {
      seen.push(`${name} before ${execution.task.name}`);
      const outcome = await next();
      seen.push(`${name} after ${outcome.kind}`);
      return outcome;
    },
  });
  it("stands around the run, the first one outermost", async () => {
    const seen: string[] = [];
    await run(
      defineTask("t", () => 1),
      {},
      { middleware: [note("a", seen), note("b", seen)] },
    );
    expect(seen).toEqual(["a before t", "b before t", "b after success", "a after success"]);
  });
  it("is not asked about what does not concern it", async () => {
    const seen: string[] = [];
    await run(
      defineTask("t", () => 1),
      {},
      { middleware: [{ ...note("a", seen), concerns: () => false }] },
    );
    expect(seen).toEqual([]);
  });
  it("that throws has failed the run", async () => {
    const broken: Middleware = { name: "broken", execute: () => Promise.reject(new Error("mine")) };
    expect(
      await run(
        defineTask("t", () => 1),
        {},
        { middleware: [broken] },
      ),
    ).toMatchObject({ kind: "failure", error: { exc_message: ["mine"] } });
  });
});

it("outside of a task there is no run", () => {
  expect(() => currentRun()).toThrow(expect.objectContaining({ code: "LOVAGE_NO_RUN" }));
});
