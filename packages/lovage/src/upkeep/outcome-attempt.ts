/** From an outcome to what is committed, with all that may go wrong on the way turned into a FAILURE that says so. Pure. */
import { completeChord, continuation } from "../execution/continuation.ts";
import type { Facts } from "../execution/facts.ts";
import { isLovageError } from "../kernel/errors.ts";
import type { Commit, DeliveryId, Settle } from "../message/commit.ts";
import type { Outcome } from "../message/outcome.ts";
import type { QueueName, TaskMessage } from "../message/task-message.ts";
import { Attempt, type AttemptRules, type Ending, type PartsDue } from "./attempt.ts";
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
  const rules = new OutcomeRules(facts, settle);
  return new Attempt(rules.commitFor(outcome), rules);
}

/** A class, since one is made per task. */
class OutcomeRules implements AttemptRules {
  readonly #facts: Facts;
  readonly #settle: Settle | undefined;
  #outcome: Outcome | undefined;

  constructor(facts: Facts, settle: Settle | undefined) {
    this.#facts = facts;
    this.#settle = settle;
  }

  commitFor(outcome: Outcome): Commit {
    try {
      return this.#build(outcome);
    } catch (error) {
      // A result, or an argument of what follows, that cannot go on the wire (celery-wire.md §5.2).
      const tooLarge = isLovageError(error) && error.code.endsWith("TOO_LARGE");
      return this.#build(failure(error, tooLarge ? "too-large" : "unencodable-result", true));
    }
  }

  complete(commit: Commit, reply: PartsDue): Commit {
    return completeChord(commit, reply, this.#facts);
  }

  failure(code: string, message: string): Commit {
    return this.#build(refused(code, message));
  }

  get ending(): Ending {
    const { message, runtimeMs } = this.#facts;
    return { message, outcome: this.#outcome as Outcome, runtimeMs };
  }

  #build(outcome: Outcome): Commit {
    this.#outcome = outcome;
    const commit = continuation(this.#facts.message, outcome, this.#facts);
    return this.#settle === undefined ? commit : { ...commit, settle: this.#settle };
  }
}
