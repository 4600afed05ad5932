/** What Python's worker wrote after each end of a task, against what we would commit for the same message and the same end. */
import { describe, expect, it } from "vitest";
import { testFacts } from "../../test-data/facts.ts";
import { loadCaptures } from "../../test-data/load-captures.ts";
import { headerOf, tasksOf } from "../canvas/steps.ts";
import type { Commit } from "../message/commit.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import type { ExceptionRecord, Outcome } from "../message/outcome.ts";
import { decodeResult } from "../message/results.ts";
import type { Signature, TaskMessage } from "../message/task-message.ts";
import { completeChord, continuation } from "./continuation.ts";
import type { ContinuationSettings } from "./facts.ts";

// biome-ignore lint/suspicious/noExplicitAny: captured documents are whatever Celery wrote
type Any = any;

const cases = new Map(loadCaptures("5.6.3").cases.map((one) => [one.case, one]));
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function outcomeOf(document: string): Outcome {
  const { state, result, traceback } = decodeResult(document);
  const error = result as ExceptionRecord;
  if (state === "SUCCESS") return { kind: "success", value: result, children: [] };
  if (state === "RETRY") return { kind: "retry", error, traceback, children: [], retry: { delayMs: 200 } };
  return { kind: "failure", error, traceback, children: [], cause: "exception" };
}

/** Commits each captured end in turn, and keeps the chords as a store would. */
function replay(name: string, settings: Partial<ContinuationSettings> = {}) {
  const found = cases.get(name);
  if (found === undefined) throw new Error(`there is no capture ${name}`);
  const messages = (found.messages ?? []).map((raw) => decodeTaskMessage(Buffer.from(raw)));
  const documents = found.results ?? [];
  const sent: TaskMessage[] = [];
  const results: string[] = [];
  const sizes = new Map<string, number>();
  const parts = new Map<string, { index: number; member: string }[]>();
  // A client has written the size of its chord before the last member; as many parts were reported in the end.
  for (const [group] of found.parts ?? []) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const ends = new Map<string, string[]>();
  for (const document of documents) ends.set(JSON.parse(document).task_id, [...(ends.get(JSON.parse(document).task_id) ?? []), document]);
  for (const message of messages) {
    const end = ends.get(message.id)?.[Math.min(message.retries, (ends.get(message.id)?.length ?? 1) - 1)];
    if (end === undefined) continue;
    const facts = testFacts(message, { settings });
    const commit = settle(continuation(message, outcomeOf(end), facts), sizes, parts, (due, reply) => completeChord(due, reply, facts));
    sent.push(...commit.publish.map(({ bytes }) => decodeTaskMessage(Buffer.from(bytes as string))));
    results.push(...commit.results.map(({ document }) => document));
  }
  return { messages, documents, sent, results };
}

function settle(
  commit: Commit,
  sizes: Map<string, number>,
  parts: Map<string, { index: number; member: string }[]>,
  complete: (commit: Commit, reply: Any) => Commit,
): Commit {
  for (const { groupId, size } of commit.chords) sizes.set(groupId, size);
  let current = commit;
  for (const part of commit.chordParts) {
    const others = [...(parts.get(part.groupId) ?? [])].sort((a, b) => a.index - b.index);
    parts.set(part.groupId, [...others, { index: part.index ?? Infinity, member: part.member }]);
    if (others.length + 1 !== sizes.get(part.groupId)) continue;
    const position = others.filter(({ index }) => index < (part.index ?? Infinity)).length;
    current = complete(current, {
      kind: "parts-due",
      groupId: part.groupId,
      parts: others.map(({ member }) => member),
      position,
      taskset: null,
    });
  }
  return current;
}

/** Options that say nothing, or that 5.6.3 writes by accident: null, ids of a chain as a whole, the sender's own mailbox. */
function tidy(signature: Signature): Any {
  const { reply_to, root_id, parent_id, add_to_parent, priority, replaced_task_nesting, chain, ...options } = signature.options;
  const kept = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => value !== null && !(key === "task_id" && signature.subtask_type === "chain")),
  );
  if (kept.chord) kept.chord = tidy(kept.chord as Signature);
  for (const link of ["link", "link_error"]) if (kept[link]) kept[link] = ([kept[link]].flat() as Signature[]).map(tidy);
  const kwargs: Any = { ...signature.kwargs };
  if (signature.subtask_type === "chain" || signature.subtask_type === "group") kwargs.tasks = tasksOf(signature).map(tidy);
  if (signature.subtask_type === "chord") Object.assign(kwargs, { header: tidy(headerOf(signature)), body: tidy(kwargs.body) });
  return { ...signature, kwargs, options: kept };
}

function comparable(message: TaskMessage): Any {
  const { id, task, args, kwargs, callbacks, errbacks, chain, chord, rootId, parentId, groupId, groupIndex, retries, eta } = message;
  return {
    ...{
      id,
      task,
      args,
      kwargs,
      rootId,
      parentId,
      groupId,
      groupIndex,
      retries,
      queue: message.routingKey,
      nesting: message.replacedTaskNesting,
    },
    ...{ hasEta: eta !== null, callbacks: callbacks.map(tidy), errbacks: errbacks.map(tidy) },
    ...{ chain: chain?.map(tidy) ?? null, chord: chord === null ? null : tidy(chord) },
  };
}

/** Ids that the worker had to invent are all called alike, and order does not count. */
function canonical(items: readonly Any[], known: ReadonlySet<string>): string[] {
  return items.map((item) => JSON.stringify(sorted(item)).replace(uuid, (id) => (known.has(id) ? id : "invented"))).sort();
}

function sorted(value: Any): Any {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

function comparableResult(document: string): Any {
  const { date_done, traceback, ...rest } = JSON.parse(document);
  return { ...rest, done: date_done !== null, traced: traceback !== null };
}

const byTheWorker = (message: TaskMessage) => message.parentId !== null;
const faithful = [
  "w_plain_10_success",
  "w_plain_10_noop",
  "w_plain_11_failure",
  "w_plain_12_retry",
  "w_plain_12_autoretry",
  "w_plain_14_link",
  "w_plain_15_chain",
  "w_plain_15_chain_fails",
  "w_plain_16_group",
  "w_plain_17_chord",
  "w_plain_17_chord_body_group",
  "w_plain_17_chord_chains",
  "w_plain_17_chord_nested",
  "w_plain_17_chain_group_middle",
];

describe("what follows from an outcome", () => {
  it.each(faithful)("is what Celery 5.6.3 wrote: %s", (name) => {
    const { messages, documents, sent, results } = replay(name);
    const known = new Set(JSON.stringify(messages.filter((message) => !byTheWorker(message))).match(uuid));
    expect(canonical(sent.map(comparable), known)).toEqual(canonical(messages.filter(byTheWorker).map(comparable), known));
    expect(canonical(results.map(comparableResult), known)).toEqual(canonical(documents.map(comparableResult), known));
  });
  it("calls errbacks old style, new-style ones too, since only Python can call those in process", () => {
    const { sent, messages } = replay("w_plain_14_link_error");
    const failed = messages[0]?.id;
    expect(sent.map(({ task, args, parentId, rootId }) => ({ task, args, parentId, rootId }))).toEqual([
      { task: "t.err_new", args: [failed], parentId: failed, rootId: failed },
      { task: "t.err_old", args: [failed], parentId: failed, rootId: failed },
    ]);
    expect(new Set(sent.map(({ groupId }) => groupId)).size).toBe(1);
  });
  it("ends a chord whose member failed as Celery does, and tells the body's errbacks", () => {
    const { documents, results, sent, messages } = replay("w_plain_17_chord_error", { isErrback: (task) => task === "t.err_new" });
    const known = new Set(JSON.stringify(messages).match(uuid));
    expect(canonical(results.map(comparableResult), known)).toEqual(canonical(documents.map(comparableResult), known));
    const body = messages[0]?.chord?.options.task_id;
    const error = {
      exc_type: "ChordError",
      exc_module: "celery.exceptions",
      exc_message: [expect.stringMatching(/^Dependency .* raised/)],
    };
    expect(sent.map(({ task, args }) => ({ task, args }))).toEqual([
      { task: "t.err_new", args: [expect.objectContaining({ id: body, task: "t.xsum" }), error, expect.any(String)] },
    ]);
  });
});
