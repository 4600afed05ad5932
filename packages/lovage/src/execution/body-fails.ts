/** The end of a chord's body that never runs: its result, its errbacks, and the chords that it was a part of (celery-wire.md §7.4). */
import { bodyOf, tasksOf } from "../canvas/steps.ts";
import { reprException } from "../message/exceptions.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { ExceptionRecord } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import type { FailedRequest } from "../task/errback.ts";
import { finalTasks, requestOf, sendErrbacks } from "./after-failure.ts";
import type { Facts } from "./facts.ts";
import type { FollowUp } from "./follow-up.ts";

export interface ChordFailure {
  readonly error: ExceptionRecord;
  readonly traceback: string | null;
  /** The member's own error: what the members of a body that is a group end with, as in Celery. */
  readonly cause: unknown;
}

/** In Celery's words. */
export function dependencyFailed(taskId: string, cause: unknown): ChordFailure {
  const reason = `Dependency ${taskId} raised ${reprException(cause)}`;
  const error: ExceptionRecord = { exc_type: "ChordError", exc_message: [reason], exc_module: "celery.exceptions" };
  return { error, traceback: `Traceback (most recent call last):\n${error.exc_module}.ChordError: ${reason}\n`, cause };
}

/** @param groupId of the chord that failed: its own parts are not its body's affair. */
export function bodyFails(body: Signature, groupId: string, { error, traceback, cause }: ChordFailure, follow: FollowUp): void {
  const [end] = finalTasks(body);
  // An id with a result: a chord's own is its header's, that of a chain which ends in a group is the group's.
  const failedId = end?.options.task_id ?? body.options.task_id;
  if (failedId) sendErrbacks(ownErrbacks(body), { request: requestOfBody(body, failedId, follow.facts), error, traceback }, follow);
  const ended = body.subtask_type === "group" ? { result: cause, traceback: null } : { result: error, traceback };
  const result = { state: "FAILURE", ...ended, children: follow.children };
  for (const { options } of waiting(body)) {
    if (!options.task_id) continue;
    // As Celery writes it: without group and parent, whatever the body's own message would have said.
    follow.store({ id: options.task_id, groupId: null, parentId: null }, result);
    if (options.chord && options.group_id && options.group_id !== groupId)
      follow.part(options.group_id, options.group_index ?? null, options.task_id, result);
  }
}

/** It never ran: what its signature says, and where it would have stood. */
function requestOfBody({ task, args, kwargs }: Signature, id: string, facts: Facts): FailedRequest {
  return { ...requestOf(facts), id, task, args, kwargs, retries: 0, parentId: facts.message.id, headers: {} };
}

/** The body's own end, and whatever was to run after it. */
export function waiting(body: Signature): readonly Signature[] {
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

/** Its own, and of a composed body those of what would have run first; of a group, what all of its members would have called. */
function errbacksOf(body: Signature | null | undefined): readonly Signature[] {
  if (!body) return [];
  const own = asSignatures(body.options.link_error);
  const inside = errbacksInside(body);
  if (own.length === 0 || inside.length === 0) return own.length === 0 ? inside : own;
  return [...new Map([...own, ...inside].map((errback) => [stringifyWireJson(errback), errback])).values()];
}

function errbacksInside(body: Signature): readonly Signature[] {
  switch (body.subtask_type) {
    case "chain":
      return errbacksOf(tasksOf(body)[0]);
    case "group":
      return inAll(tasksOf(body).map(errbacksOf));
    case "chord":
      return errbacksOf(bodyOf(body));
    default:
      return [];
  }
}

function inAll([first = [], ...others]: readonly (readonly Signature[])[]): readonly Signature[] {
  const texts = others.map((errbacks) => new Set(errbacks.map((errback) => stringifyWireJson(errback))));
  return first.filter((errback) => texts.every((all) => all.has(stringifyWireJson(errback))));
}

const asSignatures = (value: readonly Signature[] | Signature | null | undefined): readonly Signature[] =>
  value === null || value === undefined ? [] : Array.isArray(value) ? (value as readonly Signature[]) : [value as Signature];
