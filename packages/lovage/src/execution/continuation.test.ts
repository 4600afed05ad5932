import { describe, expect, it } from "vitest";
import { testDelivery, testFacts, testNow } from "../../test-data/facts.ts";
import { Builder } from "../canvas/build.ts";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { newId } from "../kernel/ids.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Signature, TaskMessage } from "../message/task-message.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";
import { completeChord, continuation } from "./continuation.ts";

// biome-ignore lint/suspicious/noExplicitAny: documents are compared by hand
type Any = any;

const add = remoteTask<Any[], number>("t.add");
const sum = remoteTask<Any[], number>("t.sum");
const success = (value: unknown): Outcome => ({ kind: "success", value, children: [] });
const error = { exc_type: "E", exc_message: ["no"], exc_module: null };
const failure = (cause: Any = "exception"): Outcome => ({ kind: "failure", error, traceback: null, children: [], cause });
const commitOf = (message: TaskMessage, outcome: Outcome, over: Parameters<typeof testFacts>[1] = {}) =>
  continuation(message, outcome, testFacts(message, over));
const sent = ({ publish }: ReturnType<typeof continuation>) => publish.map(({ bytes }) => decodeTaskMessage(Buffer.from(bytes as string)));
const stored = ({ results }: ReturnType<typeof continuation>) => results.map(({ document }) => JSON.parse(document));

function built(signature: Signature): TaskMessage[] {
  const { settings } = testFacts(newTaskMessage({ task: "t" }));
  const builder = new Builder({
    ids: newId,
    lovage: undefined,
    routing: settings.routing,
    now: testNow,
    rootId: null,
    parentId: null,
    resultExpiresMs: null,
  });
  builder.apply(signature);
  return builder.messages;
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a commit", () => {
  it("names its delivery, is acknowledged, and counts state and run time", () => {
    const commit = commitOf(newTaskMessage({ task: "t" }), success(1));
    expect(commit).toMatchObject({ delivery: testDelivery, settle: { kind: "ack" }, count: { task: "t", state: "SUCCESS", runtimeMs: 3 } });
  });
  it("tells what became true, only where it is asked for", () => {
    const message = newTaskMessage({ id: "x", task: "t", retries: 1, parentId: "p", rootId: "r" });
    expect(commitOf(message, success(1))).not.toHaveProperty("transition");
    const told = (outcome: Outcome) => {
      const facts = testFacts(message);
      const { transition } = continuation(message, outcome, { ...facts, settings: { ...facts.settings, transitionsKept: 7 } });
      return { ...JSON.parse(transition?.entry ?? "{}"), keep: transition?.keep };
    };
    const common = { taskId: "x", task: "t", at: testNow, retries: 1, rootId: "r", parentId: "p", runtimeMs: 3, keep: 7 };
    expect(told(success(1))).toMatchObject({ ...common, state: "SUCCESS" });
    expect(told(failure("retries-exhausted"))).toMatchObject({ ...common, state: "FAILURE", deadLetter: "retries-exhausted" });
  });
  it("refuses a result that is larger than a message may be", () => {
    const message = newTaskMessage({ task: "t" });
    const { maxPayloadBytes } = testFacts(message).settings.limits;
    expect(stored(commitOf(message, success("x".repeat(maxPayloadBytes - 2))))).toHaveLength(1);
    expect(() => commitOf(message, success("x".repeat(maxPayloadBytes - 1)))).toThrow(
      expect.objectContaining({ code: "LOVAGE_RESULT_TOO_LARGE", message: expect.stringContaining("Return a reference") }),
    );
  });

  it("is the same when it is made again, but for delivery tags", () => {
    const message = newTaskMessage({ task: "t", callbacks: [add.s(1).toSignature(), add.s(2).toSignature()] });
    const ids = () => sent(commitOf(message, success(1))).map(({ id, groupId }) => [id, groupId]);
    expect(ids()).toEqual(ids());
    expect(new Set(ids().flat()).size).toBe(3);
  });
  it("invents other ids in another attempt", () => {
    const message = newTaskMessage({ task: "t", callbacks: [add.s(1).toSignature()] });
    const [first] = sent(commitOf(message, success(1)));
    const [second] = sent(commitOf({ ...message, retries: 1 }, success(1)));
    expect(first?.id).not.toBe(second?.id);
  });
  it("hands on what belongs to the request, and nothing that belongs to the message", () => {
    const message = newTaskMessage({
      task: "t",
      callbacks: [add.s(1).toSignature()],
      lovage: { deaths: 2 },
      headers: { traceparent, tracestate: "a=1", baggage: "user=7", own: 1 },
      stampedHeaders: ["correlation", "tags", "mine"],
      stamps: { correlation: "c", tags: ["a"], mine: 1 },
    });
    const [next] = sent(commitOf(message, success(1)));
    expect(next?.stamps).toEqual({ tags: ["a"], correlation: "c" });
    expect(next?.headers).toEqual({ traceparent, tracestate: "a=1", baggage: "user=7" });
    expect(next?.lovage).toEqual({});
  });
  it("stores nothing that is ignored: by the message, else by the task, else by the app", () => {
    const task = defineTask("t", { ignoreResult: true }, () => 1);
    const message = newTaskMessage({ task: "t" });
    expect(commitOf(message, success(1), { task }).results).toEqual([]);
    expect(commitOf({ ...message, ignoreResult: false }, success(1), { task }).results).toHaveLength(1);
    expect(commitOf(message, success(1), { settings: { ignoreResult: true } }).results).toEqual([]);
    expect(commitOf({ ...message, ignoreResult: true }, failure(), { settings: { storeErrorsEvenIfIgnored: true } }).results).toHaveLength(
      1,
    );
  });
  it("reports to its chord although its result is ignored", () => {
    const message = newTaskMessage({ task: "t", ignoreResult: true, chord: sum.s().toSignature(), groupId: "g", groupIndex: 2 });
    const { chordParts, results } = commitOf(message, success(5));
    expect(results).toEqual([]);
    expect(chordParts).toMatchObject([{ groupId: "g", index: 2, taskId: message.id, member: `[1, "${message.id}", "SUCCESS", 5]` }]);
  });
  it("does not take a group without a chord for membership", () => {
    expect(commitOf(newTaskMessage({ task: "t", groupId: "g", groupIndex: 0 }), success(1)).chordParts).toEqual([]);
  });
  it("throws for a value that cannot go on the wire", () => {
    expect(() =>
      commitOf(
        newTaskMessage({ task: "t" }),
        success(() => 1),
      ),
    ).toThrow(expect.objectContaining({ code: "LOVAGE_NOT_SERIALIZABLE" }));
  });
  it("writes what Celery writes with extended results", () => {
    const message = newTaskMessage({ task: "t", args: [1], kwargs: { k: 2 } });
    expect(stored(commitOf(message, success(1), { settings: { resultExtended: true } }))[0]).toMatchObject({
      ...{ name: "t", args: [1], kwargs: { k: 2 }, worker: "w1@host", retries: 0, queue: "celery" },
    });
  });
});

describe("other ends", () => {
  const waiting = () => built(chain(add.s(1, 2), add.s(3), add.s(4)).toSignature())[0] as TaskMessage;
  it("mark every later step of the chain", () => {
    const message = waiting();
    const ids = message.chain?.map(({ options }) => options.task_id);
    expect(stored(commitOf(message, failure())).map(({ task_id, status }) => [task_id, status])).toEqual([
      [message.id, "FAILURE"],
      ...(ids ?? []).map((id) => [id, "FAILURE"]),
    ]);
    expect(stored(commitOf(message, { kind: "revoked", reason: "expired" }))).toMatchObject([
      { status: "REVOKED", result: { exc_type: "TaskRevokedError", exc_message: ["expired"] } },
      { status: "REVOKED" },
      { status: "REVOKED" },
    ]);
  });
  it("mark the body of a chord further down, and the members of a last group", () => {
    const [message] = built(chain(add.s(1, 2), group(add.s(3), add.s(4)), sum.s()).toSignature());
    const body = (message as Any).chain[0].kwargs.body.options.task_id;
    expect(stored(commitOf(message as TaskMessage, failure())).map(({ task_id }) => task_id)).toEqual([message?.id, body]);
    const [other] = built(chain(add.s(1, 2), group(add.s(3), add.s(4))).toSignature());
    expect(stored(commitOf(other as TaskMessage, failure()))).toHaveLength(3);
  });
  it("report the chord that a later step is a member of", () => {
    const [message] = built(chord([chain(add.s(1, 2), add.s(3)), add.s(4, 5)], sum.s()).toSignature());
    const last = message?.chain?.[0]?.options;
    expect(commitOf(message as TaskMessage, failure()).chordParts).toMatchObject([
      { groupId: last?.group_id, index: 0, taskId: last?.task_id, member: expect.stringContaining('"FAILURE"') },
    ]);
  });
  it("call no errbacks for a revoked task", () => {
    const message = newTaskMessage({ task: "t", errbacks: [add.s().toSignature()] });
    expect(commitOf(message, { kind: "revoked", reason: "revoked" }).publish).toEqual([]);
    expect(commitOf(message, failure()).publish).toHaveLength(1);
  });
  it.each([
    ["retries-exhausted", { reason: "retries-exhausted", attempts: 4 }],
    ["undecodable", { reason: "undecodable" }],
    ["not-registered", { reason: "unknown-task" }],
    ["exception", null],
    ["soft-time-limit", null],
  ] as const)("after %s settle as %j", (cause, letter) => {
    const settle = letter === null ? { kind: "ack" } : { kind: "dead-letter", detail: "E('no')", ...letter };
    expect(commitOf(newTaskMessage({ task: "t", retries: 3 }), failure(cause)).settle).toEqual(settle);
  });
  it.each([
    ["failures", "exception", "failed"],
    ["failures", "time-limit", "failed"],
    ["failures", "retries-exhausted", "retries-exhausted"],
    ["never", "retries-exhausted", undefined],
    ["never", "undecodable", "undecodable"],
    ["exhausted", "exception", undefined],
  ] as const)("of a task that says %s settle after %s as %s", (deadLetter, cause, reason) => {
    const message = newTaskMessage({ task: "t" });
    const task = defineTask("t", { deadLetter }, () => null);
    for (const said of [{ settings: { deadLetter } }, { task }, { task, settings: { deadLetter: "exhausted" as const } }])
      expect(commitOf(message, failure(cause), said).settle).toMatchObject(
        reason === undefined ? { kind: "ack" } : { kind: "dead-letter", reason },
      );
  });
  it("that put a task back, or ignore it, store nothing", () => {
    const message = newTaskMessage({ task: "t" });
    expect(commitOf(message, { kind: "rejected", requeue: true })).toMatchObject({
      settle: { kind: "requeue", where: "back" },
      results: [],
    });
    expect(commitOf(message, { kind: "ignored" })).toMatchObject({ settle: { kind: "ack" }, results: [], publish: [] });
  });
  it("put a task back with the marks of a second delivery", () => {
    const { settle } = commitOf(newTaskMessage({ task: "t", args: [1] }), { kind: "rejected", requeue: true });
    const bytes = settle.kind === "requeue" ? settle.bytes : undefined;
    expect(decodeTaskMessage(Buffer.from(bytes as string))).toMatchObject({ args: [1], redelivered: true });
  });
  it("of a rejected task are failures, for its errbacks, its chord and what was to follow", () => {
    const message = newTaskMessage({
      ...{ task: "t", id: "a", groupId: "g", groupIndex: 0, chord: sum.s().toSignature(), errbacks: [sum.s().toSignature()] },
      chain: [sum.s().set({ taskId: "later" }).toSignature()],
    });
    const commit = commitOf(message, { kind: "rejected", requeue: false, reason: "broken" });
    expect(commit.settle).toEqual({ kind: "ack" });
    expect(commit.results.map(({ taskId, state, document }) => [taskId, state, JSON.parse(document).result])).toEqual(
      ["a", "later"].map((id) => [id, "FAILURE", { exc_type: "Reject", exc_message: ["broken", false], exc_module: "celery.exceptions" }]),
    );
    expect(commit.chordParts).toHaveLength(1);
    expect(sent(commit).map(({ args }) => args)).toEqual([["a"]]);
  });
});

describe("errbacks", () => {
  const message = newTaskMessage({
    ...{ task: "t.bad", id: "a", rootId: "r", parentId: "p", args: [1], headers: { mine: 1 } },
    errbacks: [sum.s("own").toSignature(), sum.si("fixed").toSignature(), add.si().toSignature()],
  });
  const settings = { isErrback: (task: string) => task === "t.add" };

  it("that are ordinary tasks get the failed id in one group, unless they are immutable", () => {
    const messages = sent(commitOf(message, failure(), { settings }));
    expect(messages.slice(1)).toMatchObject([
      { task: "t.sum", args: ["a", "own"], groupIndex: 0, parentId: "a", rootId: "r" },
      { task: "t.sum", args: ["fixed"], groupIndex: 1 },
    ]);
    expect(messages[1]?.groupId).toBe(messages[2]?.groupId);
  });
  it("that say so get request, error and traceback, and store nothing", () => {
    const [first] = sent(commitOf(message, { ...failure(), traceback: "Traceback" } as Outcome, { settings }));
    const request = { id: "a", task: "t.bad", args: [1], rootId: "r", parentId: "p", hostname: "w1@host", headers: { mine: 1 } };
    expect(first).toMatchObject({ task: "t.add", args: [request, error, "Traceback"], ignoreResult: true, groupId: null });
  });
  it("are told in short what is too long for a message", () => {
    const long = "x".repeat(70_000);
    const outcome: Outcome = { ...failure(), traceback: long, error: { ...error, exc_message: [long] } } as never;
    const [first] = sent(commitOf({ ...message, args: [long] }, outcome, { settings }));
    const [request, told, traceback] = (first as TaskMessage).args as Any[];
    expect([request.id, request.args, request.kwargs]).toEqual(["a", null, null]);
    expect([told.exc_type, told.exc_message[0].length, traceback.length]).toEqual(["E", 65_536, 65_536]);
  });
  it("of a chord are called once, by the outermost that has them", () => {
    const both = add.s("both");
    const inner = chord([add.s(1), add.s(2)], sum.s().linkError(both, add.s("inner")));
    const [first] = built(chord([inner, add.s(9)], sum.s().linkError(both)).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const due = {
      kind: "parts-due",
      groupId: first.groupId as string,
      parts: ['[1, "b", "SUCCESS", 1]'],
      position: 1,
      taskset: null,
    } as const;
    const commit = completeChord(continuation(first, failure(), facts), due, facts);
    expect(sent(commit).map(({ args }) => args[1])).toEqual(["inner"]);
    // The inner body's failure is the last part of the outer chord.
    const outer = first.chord?.options.group_id as string;
    const ended = completeChord(commit, { ...due, groupId: outer, parts: ['[1, "c", "SUCCESS", 9]'] }, facts);
    expect(sent(ended).map(({ args }) => args[1])).toEqual(["inner", "both"]);
    expect(ended.chordParts).toMatchObject([{ completes: "error" }, { completes: "error", groupId: outer }]);
  });
});

describe("a unique key", () => {
  it("is given back with every end of its task, and with nothing else", () => {
    const message = newTaskMessage({ task: "t", lovage: { unique: { key: "k", until: "done" } } });
    const frees = (outcome: Outcome) => commitOf(message, outcome).frees;
    const hold = { key: "k", taskId: message.id };
    const end = { error, traceback: null, children: [] } as const;
    expect(frees(success(1))).toEqual(hold);
    expect(frees({ kind: "failure", cause: "exception", ...end })).toEqual(hold);
    expect(frees({ kind: "failure", cause: "retries-exhausted", ...end })).toEqual(hold);
    expect(frees({ kind: "revoked", reason: "expired" })).toEqual(hold);
    expect(frees({ kind: "ignored" })).toEqual(hold);
    expect(frees({ kind: "rejected", requeue: false })).toEqual(hold);
    expect(frees({ kind: "replaced", signature: add.s(1, 2).toSignature() })).toEqual(hold);
    expect(frees({ kind: "rejected", requeue: true })).toBeUndefined();
    const retried = commitOf(message, { kind: "retry", retry: { delayMs: 1 }, ...end });
    expect(retried.frees).toBeUndefined();
    expect(sent(retried)[0]?.lovage.unique).toEqual({ key: "k", until: "done" });
  });
});

describe("a retry", () => {
  it("is parked until due, under the same id, with everything that it had", () => {
    const message = newTaskMessage({
      ...{ task: "t", args: [1], headers: { mine: 1, traceparent }, groupId: "g", groupIndex: 0, chord: sum.s().toSignature() },
      ...{ lovage: { deaths: 2, replayedFrom: "d" }, priority: 3, timeLimit: 5, routingKey: "q" },
    });
    const commit = commitOf(message, { kind: "retry", error, traceback: null, children: [], retry: { delayMs: 2000, args: [2] } });
    expect(commit.publish[0]).toMatchObject({ taskId: message.id, parkMs: 2000, queue: "q", priority: 3 });
    expect(sent(commit)[0]).toMatchObject({
      ...{ id: message.id, retries: 1, args: [2], argsrepr: "(2,)", groupId: "g", headers: { mine: 1, traceparent }, timeLimit: 5 },
      ...{ parentId: message.id, lovage: { replayedFrom: "d" }, eta: "2026-11-21T10:00:02.000000+00:00" },
    });
    expect(commit.chordParts).toEqual([]);
  });

  it("comes back when it has expired, if that is before it is due", () => {
    const message = newTaskMessage({ task: "t", expires: "2026-11-21T10:00:01.500000+00:00" });
    const retried = (delayMs: number) =>
      commitOf(message, { kind: "retry", error, traceback: null, children: [], retry: { delayMs } }).publish[0]?.parkMs;
    expect([retried(1000), retried(2000)]).toEqual([1000, 1500]);
  });
});

describe("a replacement", () => {
  const message = newTaskMessage({
    ...{ task: "t", groupId: "g", groupIndex: 1, chord: sum.s().toSignature(), chain: [add.s(9).toSignature()] },
    callbacks: [add.s(7).toSignature()],
  });
  const replaced = (signature: Signature, by: TaskMessage = message) => commitOf(by, { kind: "replaced", signature });
  it("takes over id, chord, chain and links, and stores nothing", () => {
    const commit = replaced(add.s(1, 2).toSignature());
    expect(commit.results).toEqual([]);
    expect(sent(commit)[0]).toMatchObject({
      ...{ id: message.id, parentId: message.id, groupId: "g", groupIndex: 1, replacedTaskNesting: 1, args: [1, 2] },
      ...{ chord: { task: "t.sum" }, chain: [{ task: "t.add", args: [9] }], callbacks: [{ task: "t.add", args: [7] }] },
    });
  });
  it("by a chain ends under the id, and only its last step is in the chord", () => {
    const [first] = sent(replaced(chain(add.s(1, 2), add.s(3)).toSignature()));
    expect(first).toMatchObject({ groupId: null, chord: null });
    expect(first?.id).not.toBe(message.id);
    expect(first?.chain?.map(({ options }) => [options.task_id, options.group_id])).toEqual([
      [undefined, undefined],
      [message.id, "g"],
    ]);
  });
  it("by a chord of a chord with empty headers hands its place on to the task that ends it all", () => {
    const member = newTaskMessage({ task: "t", groupId: "g", groupIndex: 1, chord: sum.s().toSignature() });
    const [end] = sent(replaced(chord([], chord([], add.s(1))).toSignature(), member));
    expect(end).toMatchObject({ id: member.id, groupId: "g", groupIndex: 1, chord: { task: "t.sum" } });
  });
  it("by a group becomes a chord whose body gives the list", () => {
    const commit = replaced(group(add.s(1, 2), add.s(3, 4)).toSignature(), newTaskMessage({ task: "t", routingKey: "own" }));
    expect(commit.chords).toMatchObject([{ size: 2 }]);
    expect(sent(commit).map(({ chord: body }) => body?.task)).toEqual(["celery.accumulate", "celery.accumulate"]);
    expect(sent(commit)[0]?.chord?.options.queue).toBe("own");
  });
});

describe("stamps", () => {
  it("stay with a retry, and with all that was linked, chained or joined to the task", () => {
    const stamped = chain(add.s(1, 2).link(add.s("l")).linkError(add.s("e")), add.s("c")).stamp({ who: "us" });
    const [first] = built(stamped.toSignature()) as [TaskMessage];
    const plan = { delayMs: 1000 };
    const retried = commitOf(first, { kind: "retry", error, traceback: null, children: [], retry: plan });
    const after = [retried, commitOf(first, success(3)), commitOf(first, failure())].map(sent);
    expect(after.map((messages) => messages.map(({ stamps }) => stamps))).toEqual([
      [{ who: "us" }],
      [{ who: "us" }, { who: "us" }],
      [{ who: "us" }],
    ]);
    const [member] = built(
      chord([add.s(1)], sum.s())
        .stamp({ who: "us" })
        .toSignature(),
    ) as [TaskMessage];
    const facts = testFacts(member);
    const due = { kind: "parts-due", groupId: member.groupId as string, parts: [], position: 0, taskset: null } as const;
    expect(sent(completeChord(continuation(member, success(1), facts), due, facts))[0]?.stamps).toEqual({ who: "us" });
  });
});

describe("a replacement of a stamped task", () => {
  it("is stamped as it was in all its tasks, below stamps of their own", () => {
    const message = newTaskMessage({ task: "t", stampedHeaders: ["who", "why"], stamps: { who: "us", why: 1 } });
    const own = add.s(1).stamp({ why: 2 });
    const [first] = sent(commitOf(message, { kind: "replaced", signature: chain(own, add.s(2)).toSignature() })) as [TaskMessage];
    expect(first.stamps).toEqual({ who: "us", why: 2 });
    expect(first.chain?.[0]?.options).toMatchObject({ who: "us", why: 1, stamped_headers: ["who", "why"] });
  });
  it("calls the same errbacks as of one without stamps: those of chords in its header too", () => {
    const inner = chord([add.s(1)], sum.s());
    const message = newTaskMessage({ task: "t", stampedHeaders: ["who"], stamps: { who: "us" }, errbacks: [add.s().toSignature()] });
    const [member] = sent(commitOf(message, { kind: "replaced", signature: group(inner, add.s(2)).toSignature() })) as [TaskMessage];
    expect(member.chord?.options).toMatchObject({ link_error: [{ task: "t.add" }], who: "us" });
  });
});

describe("the end of a chord", () => {
  const due = (groupId: string, parts: string[], position: number, taskset: string | null = null) =>
    ({ kind: "parts-due", groupId, parts, position, taskset }) as const;
  it("starts the body with all results in order, and removes the chord's keys", () => {
    const [, second] = built(chord([add.s(1), add.s(2), add.s(3)], sum.s("x")).toSignature()) as [TaskMessage, TaskMessage];
    const facts = testFacts(second);
    const group = second.groupId as string;
    const commit = completeChord(
      continuation(second, success(20), facts),
      due(group, ['[1, "a", "SUCCESS", 10]', '[1, "c", "SUCCESS", 30]'], 1),
      facts,
    );
    expect(sent(commit)).toMatchObject([
      { task: "t.sum", args: [[10, 20, 30], "x"], id: second.chord?.options.task_id, parentId: second.id },
    ]);
    expect(commit.chordParts).toMatchObject([{ completes: "body" }]);
    expect(commit.results).toHaveLength(1);
  });
  it("is completed by the last of several parts that one commit brings", () => {
    const ends = chain(add.s(1), group([add.s(2), add.s(3)]));
    const [first] = built(chord([ends], sum.s()).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const failed = continuation(first, failure(), facts);
    const [one, other] = failed.chordParts;
    const commit = completeChord(failed, due(one?.groupId as string, [one?.member as string], 1), facts);
    expect(commit.chordParts).toEqual([one, { ...other, completes: "error" }]);
  });
  it("ends the members of a body that is a group with the error itself", () => {
    const [first] = built(chord([add.s(1)], group([add.s(2), add.s(3)])).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const commit = completeChord(continuation(first, failure(), facts), due(first.groupId as string, [], 0), facts);
    expect(stored(commit).map(({ result }) => result.exc_type)).toEqual(["E", "E", "E"]);
  });
  it("calls the errbacks of what would have run first in its body, with the id of its end", () => {
    const body = chain(chord([add.s(1)], sum.s().linkError(add.s("err"))), group([add.s(2), add.s(3)]));
    const [first] = built(chord([add.s(1)], body).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const commit = completeChord(continuation(first, failure(), facts), due(first.groupId as string, [], 0), facts);
    expect(sent(commit).map(({ args }) => args[1])).toEqual(["err"]);
    expect(commit.results.map(({ taskId }) => taskId)).toContain(sent(commit)[0]?.args[0]);
  });
  it("calls the errbacks of its body as well as those of what would have run first in it, each once", () => {
    const steps = chain(add.s(1).linkError(add.s("first"), add.s("both")), add.s(2).set({ taskId: "end" })).toSignature();
    // As Python's clients write a chain that is linked to as a whole.
    const chord: Signature = { ...steps, options: { link_error: [add.s("own").toSignature(), add.s("both").toSignature()] } };
    const message = newTaskMessage({ task: "t", groupId: "g", groupIndex: 0, chord });
    const facts = testFacts(message);
    const commit = completeChord(continuation(message, failure(), facts), due("g", [], 0), facts);
    expect(sent(commit).map(({ args }) => args[1])).toEqual(["own", "both", "first"]);
  });
  it("ends the body where a member failed: its result, its errbacks, the chain behind it, and the outer chord", () => {
    const inner = chord([add.s(1), add.s(2)], sum.s().linkError(add.s("err")));
    const [first] = built(chord([inner, add.s(9)], sum.s()).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const commit = completeChord(
      continuation(first, success(1), facts),
      due(
        first.groupId as string,
        ['[1, "b", "REVOKED", {"exc_type": "TaskRevokedError", "exc_message": ["revoked"], "exc_module": "celery.exceptions"}]'],
        1,
      ),
      facts,
    );
    const body = first.chord as Signature;
    expect(stored(commit)[1]).toMatchObject({
      ...{ task_id: body.options.task_id, status: "FAILURE" },
      result: { exc_type: "ChordError", exc_message: ["Dependency b raised TaskRevokedError('revoked')"] },
    });
    expect(sent(commit)).toMatchObject([{ task: "t.add", args: [body.options.task_id, "err"] }]);
    expect(commit.chordParts).toMatchObject([
      { completes: "error" },
      { groupId: body.options.group_id, taskId: body.options.task_id, index: 0 },
    ]);
  });
  it("that a member has added to: its part says by how many", () => {
    const [first] = built(chord([add.s(1), add.s(2)], sum.s()).toSignature()) as [TaskMessage];
    const commit = commitOf(first, { ...success(1), addsToChord: 2 } as Outcome);
    expect(commit.chordParts).toMatchObject([{ adds: 2, index: 0 }]);
  });
  it("nests results as the saved header does", () => {
    const [first] = built(chord([add.s(1), add.s(2)], sum.s()).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const shape = JSON.stringify({
      result: [
        ["g", null],
        [
          [
            ["g", null],
            [
              [["a", null], null],
              [["b", null], null],
            ],
          ],
          [[first.id, null], null],
        ],
      ],
    });
    const commit = completeChord(
      continuation(first, success(3), facts),
      due(first.groupId as string, ['[1, "b", "SUCCESS", 2]', '[1, "a", "SUCCESS", 1]'], 2, shape),
      facts,
    );
    expect(sent(commit)[0]?.args).toEqual([[[1, 2], 3]]);
  });
  it("goes on where a Python worker wrote a smaller size over its own: all results that its shape names are waited for", () => {
    const [first] = built(chord([add.s(1), add.s(2)], sum.s()).toSignature()) as [TaskMessage];
    const facts = testFacts(first);
    const groupId = first.groupId as string;
    const shape = JSON.stringify({ result: [[groupId, null], ["a", first.id, "b", "c"].map((id) => [[id, null], null])] });
    const commit = completeChord(continuation(first, success(3), facts), due(groupId, ['[1, "a", "SUCCESS", 1]'], 1, shape), facts);
    expect([sent(commit), commit.chordParts.map(({ adds, completes }) => [adds, completes])]).toEqual([[], [[2, undefined]]]);
  });
});
