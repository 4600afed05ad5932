/**
 * Ends one delivery over its runner's head, from the stored message: the hard time limit, a cancel that had to kill. The run
 * itself may still be at it; whichever commit removes the delivery first counts, the other is fenced.
 */
import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Delivery } from "../message/commit.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import type { Outcome } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { Attempt, bareCommit, noOutcome } from "./attempt.ts";
import { commitAttempts } from "./commit-attempts.ts";
import { type FactsOf, outcomeAttempt } from "./outcome-attempt.ts";

export interface EndDeliveryOptions {
  readonly broker: Broker;
  readonly delivery: Delivery;
  /** `timeLimitExceeded(seconds)`, or `{ kind: "revoked", reason: "terminated" }` once the code is gone. */
  readonly outcome: Outcome;
  /** Its epoch is closed already. @defaultValue false */
  readonly epochClosed?: boolean;
  readonly factsOf: FactsOf;
  readonly nodeName: string;
  /** Milliseconds it ran, for the metrics. */
  readonly runtimeMs?: number;
  readonly log: Logger;
  /** It took effect. */
  onApplied?(attempt: Attempt): void;
}

/**
 * applied: it has ended with this outcome. fenced: it had come to its end by itself, or somebody was faster.
 * @throws {FencedError} when the epoch is closed and `epochClosed` does not say so. @throws {BrokerUnavailableError}
 */
export async function endDelivery(options: EndDeliveryOptions): Promise<"applied" | "fenced"> {
  const { broker, delivery, log, onApplied } = options;
  const attempt = attemptFor(options);
  const { epoch } = delivery.id;
  const verdicts = await commitAttempts([attempt], {
    broker,
    epoch,
    onBehalf: options.epochClosed === true,
    log,
    ...(onApplied && { onApplied }),
  });
  return verdicts.get(attempt) === "applied" ? "applied" : "fenced";
}

function attemptFor({ delivery, outcome, factsOf, nodeName, runtimeMs }: EndDeliveryOptions): Attempt {
  let message: TaskMessage;
  try {
    message = decodeTaskMessage(delivery.bytes);
  } catch (error) {
    const detail = `ended by its worker, and cannot be read: ${String(error)}`;
    return new Attempt(bareCommit({ delivery: delivery.id }, { kind: "dead-letter", reason: "undecodable", detail }), noOutcome);
  }
  const ended = { message, delivery: delivery.id, queue: delivery.queue, nodeName };
  return outcomeAttempt(outcome, factsOf(runtimeMs === undefined ? ended : { ...ended, runtimeMs }));
}
