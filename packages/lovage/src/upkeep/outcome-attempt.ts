/** From an outcome to what is committed, with all that may go wrong on the way turned into a FAILURE that says so. Pure. */
import { completeChord, continuation } from "../execution/continuation.ts";
import type { Facts } from "../execution/facts.ts";
import { isLovageError } from "../kernel/errors.ts";
import type { Commit, DeliveryId, Settle } from "../message/commit.ts";
import type { Outcome } from "../message/outcome.ts";
import type { QueueName, TaskMessage } from "../message/task-message.ts";
import { Attempt, type AttemptRules } from "./attempt.ts";
import { failure, refused } from "./ended-outcomes.ts";

/** What has ended; an app makes the facts of its commit out of it. */
export interface EndedDelivery {
  readonly message: TaskMessage;
  readonly delivery: DeliveryId;
  readonly queue: QueueName;
  readonly nodeName: string;
  readonly runtimeMs?: number;
}

/** `app.facts`. Where there is no app, whoever calls brings Celery's defaults. */
export type FactsOf = (ended: EndedDelivery) => Facts;

/** `settle`: in place of the outcome's own, for dead letters. */
export function outcomeAttempt(outcome: Outcome, facts: Facts, settle?: Settle): Attempt {
  const build = (what: Outcome): Commit => {
    const commit = continuation(facts.message, what, facts);
    return settle === undefined ? commit : { ...commit, settle };
  };
  const rules: AttemptRules = {
    complete: (commit, reply) => completeChord(commit, reply, facts),
    failure: (code, message) => build(refused(code, message)),
  };
  return new Attempt(commitOf(outcome, build), rules);
}

function commitOf(outcome: Outcome, build: (what: Outcome) => Commit): Commit {
  try {
    return build(outcome);
  } catch (error) {
    // A result, or an argument of what follows, that cannot go on the wire (celery-wire.md §5.2).
    const tooLarge = isLovageError(error) && error.code.endsWith("TOO_LARGE");
    return build(failure(error, tooLarge ? "too-large" : "unencodable-result", true));
  }
}
