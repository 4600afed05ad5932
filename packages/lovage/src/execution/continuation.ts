/**
 * From a message and how its run ended to the one commit that says all of it: acknowledgement, results, what is sent next,
 * chord parts, counters. Pure: no I/O, no clock, no chance; the same input gives the same commit but for delivery tags.
 * Facts of the wire: celery-wire.md §6.3, §6.4, §6.7, §7.3, §8.2.
 */
import type { Commit, Settle } from "../message/commit.ts";
import { encodeTaskMessage } from "../message/encode.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Signature, TaskMessage } from "../message/task-message.ts";
import type { Transition } from "../message/transition.ts";
import { uniqueHoldOf } from "../message/unique-hold.ts";
import { failureFollows, failureSettles, rejectionFollows, revokedFollows } from "./after-failure.ts";
import { replacementFollows, retryFollows } from "./after-retry.ts";
import { successFollows } from "./after-success.ts";
import { bodyFails } from "./body-fails.ts";
import type { Facts } from "./facts.ts";
import { FollowUp } from "./follow-up.ts";

export { completeChord } from "./complete-chord.ts";

/** @throws {SerializationError} when a result, or an argument of what follows, cannot go on the wire. */
export function continuation(message: TaskMessage, outcome: Outcome, facts: Facts): Commit {
  const follow = new FollowUp(facts.message === message ? facts : { ...facts, message });
  const commit = commitOf(follow, stateOf(outcome, follow), settleOf(outcome, follow.facts));
  // A retry is the same task still.
  const frees = outcome.kind === "retry" || commit.settle.kind === "requeue" ? undefined : uniqueHoldOf(message.id, message.lovage);
  const transition = transitionOf(commit, follow.facts);
  if (frees === undefined && transition === undefined) return commit;
  return { ...commit, ...(frees && { frees }), ...(transition && { transition }) };
}

/** Puts what follows into `follow`, and names the state that is counted. */
function stateOf(outcome: Outcome, follow: FollowUp): string {
  switch (outcome.kind) {
    case "success":
      successFollows(outcome, follow);
      return "SUCCESS";
    case "failure":
      failureFollows(outcome, follow);
      if (follow.facts.message.task === "celery.chord_unlock") unlockFailed(outcome, follow);
      return "FAILURE";
    case "retry":
      retryFollows(outcome, follow);
      return "RETRY";
    case "revoked":
      revokedFollows(outcome.reason, follow);
      return "REVOKED";
    case "replaced":
      replacementFollows(outcome.signature, follow);
      return "REPLACED";
    case "rejected":
      if (!outcome.requeue) rejectionFollows(outcome.reason ?? null, follow);
      return "REJECTED";
    case "ignored":
      return "IGNORED";
  }
}

/** Whatever kept it from starting the chord's body: nobody else will (celery-wire.md §7.6). */
function unlockFailed({ error, traceback }: Extract<Outcome, { kind: "failure" }>, follow: FollowUp): void {
  const [groupId, body] = follow.facts.message.args as readonly [string, Signature | undefined];
  if (typeof body === "object" && typeof groupId === "string") bodyFails(body, groupId, { error, traceback, cause: error }, follow);
}

function transitionOf({ count, settle }: Commit, facts: Facts): Commit["transition"] {
  const { message, queue, nodeName, now, runtimeMs, settings } = facts;
  if (!settings.transitionsKept) return undefined;
  const { id: taskId, task, retries, rootId, parentId } = message;
  const transition: Transition = {
    ...{ taskId, task, state: count?.state ?? "", at: now, queue, node: nodeName, retries, rootId: rootId ?? taskId, parentId },
    ...(runtimeMs !== undefined && { runtimeMs }),
    ...(settle.kind === "dead-letter" && { deadLetter: settle.reason }),
  };
  return { entry: JSON.stringify(transition), keep: settings.transitionsKept };
}

const acked: Settle = { kind: "ack" };

function settleOf(outcome: Outcome, facts: Facts): Settle {
  const { message, settings } = facts;
  if (outcome.kind === "rejected" && outcome.requeue)
    return { kind: "requeue", where: "back", bytes: encodeTaskMessage({ ...message, redelivered: true }, settings.limits) };
  return outcome.kind === "failure" ? failureSettles(outcome, facts) : acked;
}

function commitOf(follow: FollowUp, state: string, settle: Settle): Commit {
  return {
    delivery: follow.facts.delivery,
    settle,
    results: follow.results,
    publish: follow.outgoing,
    chords: follow.chords,
    chordParts: follow.chordParts,
    count: follow.counted(state),
  };
}
