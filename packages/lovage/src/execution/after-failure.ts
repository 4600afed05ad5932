/**
 * What follows from an end that is no success: errbacks, and the same end for everything that now will never run, so that
 * nobody waits for it: later chain steps, and the chords that they or the task itself report to (celery-wire.md §6.4, §6.7, §7.4).
 */
import { bodyOf, groupSignature, headerOf, tasksOf } from "../canvas/steps.ts";
import type { DeadReason, Settle } from "../message/commit.ts";
import { reprException } from "../message/exceptions.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { ExceptionRecord, FailureCause, Outcome } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import type { FailedRequest } from "../task/errback.ts";
import type { DeadLetterPolicy } from "../task/task-options.ts";
import { extendedOf, isIgnored } from "./after-success.ts";
import { type Facts, laterSteps } from "./facts.ts";
import type { FollowUp, ResultBody } from "./follow-up.ts";

type Failure = Extract<Outcome, { kind: "failure" }>;

export function failureFollows(outcome: Failure, follow: FollowUp): void {
  const { message, settings } = follow.facts;
  const body: ResultBody = { state: "FAILURE", result: outcome.error, traceback: outcome.traceback, children: outcome.children };
  endHere(body, follow, !isIgnored(follow.facts) || settings.storeErrorsEvenIfIgnored);
  sendErrbacks(message.errbacks, { request: requestOf(follow.facts), error: outcome.error, traceback: outcome.traceback }, follow);
}

/** Failures that somebody should look at become dead letters; all others are the task's own answer, and are done with. */
export function failureSettles({ error, cause }: Failure, { message, task, settings }: Facts): Settle {
  const policy = task?.settings.deadLetter ?? settings.deadLetter ?? "exhausted";
  const reason = ownReasons[cause] ?? kept[policy](cause);
  if (reason === null) return { kind: "ack" };
  const detail = reprException(error).slice(0, mostDetail);
  if (reason === "undecodable" || reason === "unknown-task") return { kind: "dead-letter", reason, detail };
  const death = cause === "time-limit" || cause === "out-of-memory" ? { cause } : {};
  return { kind: "dead-letter", reason, detail, attempts: message.retries + 1, ...death };
}

const mostDetail = 500;
/** Whatever the policy says: no code of the task can answer for them. */
const ownReasons: Partial<Record<FailureCause, DeadReason>> = { undecodable: "undecodable", "not-registered": "unknown-task" };
const kept: Readonly<Record<DeadLetterPolicy, (cause: FailureCause) => DeadReason | null>> = {
  exhausted: (cause) => (cause === "retries-exhausted" ? cause : null),
  failures: (cause) => (cause === "retries-exhausted" ? cause : "failed"),
  never: () => null,
};

/** Errbacks hear of failures only, not of revocation (celery-wire.md §6.7). */
export function revokedFollows(reason: string, follow: FollowUp): void {
  const error = { exc_type: "TaskRevokedError", exc_message: [reason], exc_module: "celery.exceptions" };
  endHere({ state: "REVOKED", result: error, traceback: null }, follow, !isIgnored(follow.facts));
}

/**
 * Dropped without having run to its end: its caller, its chord and what was to follow must not wait for it. Celery writes the
 * same, in releases after 5.6.3.
 */
export function rejectionFollows(reason: string | null, follow: FollowUp): void {
  const error = { exc_type: "Reject", exc_message: [reason, false], exc_module: "celery.exceptions" };
  failureFollows({ kind: "failure", error, traceback: null, children: [], cause: "exception" }, follow);
}

function endHere(body: ResultBody, follow: FollowUp, isStored: boolean): void {
  const { message } = follow.facts;
  if (isStored) follow.store(message, body, extendedOf(follow.facts));
  for (const later of laterSteps(follow.facts)) endLater(later, body, follow, isStored);
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

export interface Failed {
  readonly request: FailedRequest;
  readonly error: ExceptionRecord;
  readonly traceback: string | null;
}

/**
 * Tasks that say that they are errbacks hear all of it (Celery's new style; it calls them in place, and stores nothing of
 * them); all others are sent as one group, with the id of what failed (celery-wire.md §6.7).
 */
export function sendErrbacks(errbacks: readonly Signature[], failed: Failed, follow: FollowUp): void {
  const { id } = failed.request;
  const others: Signature[] = [];
  const told = inShort(failed);
  for (const errback of errbacks) {
    if (!follow.facts.settings.isErrback(errback.task)) others.push(errback);
    else
      follow.apply({ ...errback, immutable: false }, [told.request, told.error, told.traceback], {
        parent_id: id,
        ignore_result: true,
        // Who walks the children would wait for its result.
        add_to_parent: false,
      });
  }
  if (others.length > 0) follow.apply(groupSignature(others), [id], { parent_id: id });
}

/** Characters of JSON: an errback must not be too large to be sent where its task was not. */
const mostTold = 65_536;

/** What is large is left out: arguments are null, an error keeps the beginning of its text. */
function inShort({ request, error, traceback }: Failed): Failed {
  const { args, kwargs } = request;
  const isLong = (value: unknown) => stringifyWireJson(value).length > mostTold;
  return {
    request: isLong([args, kwargs]) ? { ...request, args: null, kwargs: null } : request,
    error: isLong(error) ? { ...error, exc_message: [reprException(error).slice(0, mostTold)] } : error,
    traceback: traceback === null ? null : traceback.slice(0, mostTold),
  };
}

export function requestOf({ message, nodeName }: Facts): FailedRequest {
  const { id, task, args, kwargs, retries, rootId, parentId, groupId, headers } = message;
  return { id, task, args, kwargs, retries, rootId, parentId, groupId, hostname: nodeName, headers };
}
