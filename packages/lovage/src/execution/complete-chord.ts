/**
 * The end of a chord: from all members' parts to the commit that also starts the body, or ends it where a member failed
 * (celery-wire.md §7.3, §7.4). The store asked for it (`parts-due`) and checks that the set is still the one that it showed.
 */

import { Builder } from "../canvas/build.ts";
import { toPublication } from "../canvas/publication.ts";
import { bodyOf, tasksOf } from "../canvas/steps.ts";
import { type ChordPartFields, decodeChordPart } from "../message/chord-part.ts";
import type { ChordPart, Commit, CommitReply } from "../message/commit.ts";
import { reprException } from "../message/exceptions.ts";
import { parseWireJson, stringifyWireJson } from "../message/json.ts";
import type { ExceptionRecord, ResultTuple } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import type { FailedRequest } from "../task/errback.ts";
import { finalTasks, requestOf, sendErrbacks } from "./after-failure.ts";
import { type Facts, laterSteps } from "./facts.ts";
import { buildContext, FollowUp } from "./follow-up.ts";

type PartsDue = Extract<CommitReply, { readonly kind: "parts-due" }>;

/** @throws {MessageError} when a part or the saved shape of the header cannot be read. */
export function completeChord(commit: Commit, reply: PartsDue, facts: Facts): Commit {
  const own = lastPart(commit, reply);
  const body = bodyOfChord(facts, reply.groupId);
  if (own === undefined || body === null) return commit;
  const members = inOrder(reply, own).map(decodeChordPart);
  const broken = members.find(({ state }) => state !== "SUCCESS");
  if (broken !== undefined) return withError(commit, own, body, broken, facts);
  return withBody(commit, own, body, resultsOf(members, reply.taskset), facts);
}

/** The one that the store misses: of several parts for one chord in a commit, it counts all but the last as there. */
function lastPart({ chordParts }: Commit, { groupId, parts }: PartsDue): ChordPart | undefined {
  const there = new Set(parts.map((part) => decodeChordPart(part).taskId));
  return chordParts.find((part) => part.groupId === groupId && part.completes === undefined && !there.has(part.taskId));
}

function inOrder({ parts, position }: PartsDue, own: ChordPart): readonly string[] {
  return [...parts.slice(0, position), own.member, ...parts.slice(position)];
}

/** The message's own chord, that of a later chain step which ends with it, or one that these are members of in turn. */
function bodyOfChord(facts: Facts, groupId: string): Signature | null {
  const { message } = facts;
  if (message.chord !== null && message.groupId === groupId) return message.chord;
  const ends = laterSteps(facts).flatMap(finalTasks);
  for (const body of [message.chord, ...ends.map(({ options }) => options.chord)]) if (body) ends.push(...waiting(body));
  const seen = new Set<string>();
  for (const { options } of ends) {
    if (!options.chord || !options.group_id || seen.has(options.group_id)) continue;
    if (options.group_id === groupId) return options.chord;
    seen.add(options.group_id);
    ends.push(...waiting(options.chord));
  }
  return null;
}

/** In the order of the parts; where the header's shape was saved, nested as it was, by task id (celery-wire.md §7.3). */
function resultsOf(members: readonly ChordPartFields[], taskset: string | null): readonly unknown[] {
  if (taskset === null) return members.map(({ result }) => result);
  const byId = new Map(members.map(({ taskId, result }) => [taskId, result]));
  const nested = ([[id], children]: ResultTuple): unknown => (children === null ? (byId.get(id) ?? null) : children.map(nested));
  const saved = parseWireJson(taskset) as { readonly result: ResultTuple };
  return (saved.result[1] ?? []).map(nested);
}

function withBody(commit: Commit, own: ChordPart, body: Signature, results: readonly unknown[], facts: Facts): Commit {
  const builder = new Builder(buildContext(facts, `chord ${own.groupId}`));
  builder.apply(body, [results], { parent_id: facts.message.id, root_id: facts.message.rootId ?? facts.message.id });
  const built = toPublication(builder, facts.settings.limits);
  return {
    ...commit,
    publish: [...commit.publish, ...built.messages],
    chords: [...commit.chords, ...(built.chords ?? [])],
    chordParts: completed(commit, own, "body"),
  };
}

const completed = (commit: Commit, own: ChordPart, completes: "body" | "error"): readonly ChordPart[] =>
  commit.chordParts.map((part) => (part === own ? { ...part, completes } : part));

/** The body ends as ChordError without having run; what it was a part of hears of that too. */
function withError(commit: Commit, own: ChordPart, body: Signature, broken: ChordPartFields, facts: Facts): Commit {
  const error: ExceptionRecord = {
    exc_type: "ChordError",
    exc_message: [`Dependency ${broken.taskId} raised ${reprException(broken.result)}`],
    exc_module: "celery.exceptions",
  };
  const traceback = `Traceback (most recent call last):\n${error.exc_module}.ChordError: ${String((error.exc_message as string[])[0])}\n`;
  const follow = new FollowUp(facts, `chord ${own.groupId}`);
  const [end] = finalTasks(body);
  // An id with a result: a chord's own is its header's, that of a chain which ends in a group is the group's.
  const failedId = end?.options.task_id ?? body.options.task_id;
  if (failedId) sendErrbacks(ownErrbacks(body), { request: requestOfBody(body, failedId, facts), error, traceback }, follow);
  // The members of a group end with the error itself, as in Celery (celery-wire.md §7.4).
  const ended = body.subtask_type === "group" ? { result: broken.result, traceback: null } : { result: error, traceback };
  const result = { state: "FAILURE", ...ended, children: follow.children };
  for (const { options } of waiting(body)) {
    if (!options.task_id) continue;
    // As Celery writes it: without group and parent, whatever the body's own message would have said.
    follow.store({ id: options.task_id, groupId: null, parentId: null }, result);
    if (options.chord && options.group_id && options.group_id !== own.groupId)
      follow.part(options.group_id, options.group_index ?? null, options.task_id, result);
  }
  return {
    ...commit,
    results: [...commit.results, ...follow.results],
    publish: [...commit.publish, ...follow.outgoing],
    chords: [...commit.chords, ...follow.chords],
    chordParts: [...completed(commit, own, "error"), ...follow.chordParts],
  };
}

/** It never ran: what its signature says, and where it would have stood. */
function requestOfBody({ task, args, kwargs }: Signature, id: string, facts: Facts): FailedRequest {
  return { ...requestOf(facts), id, task, args, kwargs, retries: 0, parentId: facts.message.id, headers: {} };
}

/** The body's own end, and whatever was to run after it. */
function waiting(body: Signature): readonly Signature[] {
  return [body, ...(body.options.chain ?? [])].flatMap(finalTasks);
}

/**
 * Celery's `chord.link_error` puts an errback on the bodies of chords in the header too. There an outer chord never hears of
 * the failure; here it does and calls its own: what stands on both is called once, by the outermost.
 */
function ownErrbacks(body: Signature): readonly Signature[] {
  const errbacks = errbacksOf(body);
  const outer = finalTasks(body)[0]?.options.chord;
  if (!outer || errbacks.length === 0) return errbacks;
  const later = new Set(errbacksOf(outer).map((errback) => stringifyWireJson(errback)));
  return errbacks.filter((errback) => !later.has(stringifyWireJson(errback)));
}

/** Of a composed body: what would have run first speaks for all of it; of a group, what all of its members would have called. */
function errbacksOf(body: Signature | null | undefined): readonly Signature[] {
  const own = asSignatures(body?.options.link_error);
  if (!body || own.length > 0) return own;
  if (body.subtask_type === "chain") return errbacksOf(tasksOf(body)[0]);
  if (body.subtask_type === "group") return inAll(tasksOf(body).map(errbacksOf));
  return body.subtask_type === "chord" ? errbacksOf(bodyOf(body)) : [];
}

function inAll([first = [], ...others]: readonly (readonly Signature[])[]): readonly Signature[] {
  const texts = others.map((errbacks) => new Set(errbacks.map((errback) => stringifyWireJson(errback))));
  return first.filter((errback) => texts.every((all) => all.has(stringifyWireJson(errback))));
}

const asSignatures = (value: readonly Signature[] | Signature | null | undefined): readonly Signature[] =>
  value === null || value === undefined ? [] : Array.isArray(value) ? (value as readonly Signature[]) : [value as Signature];
