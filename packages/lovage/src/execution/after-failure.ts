/**
 * What follows from an end that is no success: errbacks, and the same end for everything that now will never run, so that
 * nobody waits for it: later chain steps, and the chords that they or the task itself report to (celery-wire.md §6.4, §6.7, §7.4).
 */
import { bodyOf, groupSignature, headerOf, tasksOf } from "../canvas/steps.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import { extendedOf, isIgnored } from "./after-success.ts";
import type { FollowUp, ResultBody } from "./follow-up.ts";

type Failure = Extract<Outcome, { kind: "failure" }>;

export function failureFollows(outcome: Failure, follow: FollowUp): void {
  const { message, settings } = follow.facts;
  const body: ResultBody = { state: "FAILURE", result: outcome.error, traceback: outcome.traceback, children: outcome.children };
  endHere(body, follow, !isIgnored(follow.facts) || settings.storeErrorsEvenIfIgnored);
  sendErrbacks(message.errbacks, message.id, follow);
}

/** Errbacks hear of failures only, not of revocation (celery-wire.md §6.7). */
export function revokedFollows(reason: string, follow: FollowUp): void {
  const error = { exc_type: "TaskRevokedError", exc_message: [reason], exc_module: "celery.exceptions" };
  endHere({ state: "REVOKED", result: error, traceback: null }, follow, !isIgnored(follow.facts));
}

function endHere(body: ResultBody, follow: FollowUp, isStored: boolean): void {
  const { message } = follow.facts;
  if (isStored) follow.store(message, body, extendedOf(follow.facts));
  for (const later of message.chain ?? []) endLater(later, body, follow, isStored);
  if (message.chord !== null && message.groupId !== null) follow.part(message.groupId, message.groupIndex, message.id, body);
}

/**
 * A chain step that will never run: each task that stands for its end gets the same end. Celery writes plain steps; we write
 * the members of a final group and the body of a chord too, since somebody may wait for them.
 */
function endLater(step: Signature, body: ResultBody, follow: FollowUp, isStored: boolean): void {
  for (const { options } of finalTasks(step)) {
    if (!options.task_id) continue;
    const owner = { id: options.task_id, groupId: options.group_id ?? null, parentId: null };
    if (isStored) follow.store(owner, { ...body, children: [] });
    if (options.chord && options.group_id) follow.part(options.group_id, options.group_index ?? null, options.task_id, body);
  }
}

/** The tasks whose results are the result of a frozen signature. */
export function finalTasks(signature: Signature): readonly Signature[] {
  switch (signature.subtask_type) {
    case "chain":
      return tasksOf(signature).slice(-1).flatMap(finalTasks);
    case "group":
      return tasksOf(signature).flatMap(finalTasks);
    case "chord":
      return finalTasks(bodyOf(signature) ?? headerOf(signature));
    default:
      return [signature];
  }
}

/**
 * Old style: a message with the id of what failed, in a group (celery-wire.md §6.7). The new style, a call inside this
 * process, would be decided here by what `follow.facts` knows of the errback.
 */
export function sendErrbacks(errbacks: readonly Signature[], failedId: string, follow: FollowUp): void {
  if (errbacks.length === 0) return;
  follow.apply(groupSignature(errbacks), [failedId], { parent_id: failedId });
}
