/**
 * What becomes of the deliveries of a runner that is gone. Its epoch must be closed. Most go back to the front of their
 * queues, counted; one that was acknowledged early is ended, since it may not run twice; one that has killed its runners, or
 * was lost, too often is ended and kept with the dead letters (design.md §2, Poison). Every end is a whole commit, with
 * result, chord part and errbacks.
 */
import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Delivery, Epoch, Settle } from "../message/commit.ts";
import { decodeTaskMessage, peekHeaders } from "../message/decode.ts";
import { markRedelivered } from "../message/mark-redelivered.ts";
import type { LovageProperties, TaskMessage } from "../message/task-message.ts";
import { Attempt, bareCommit, noOutcome } from "./attempt.ts";
import { commitAttempts } from "./commit-attempts.ts";
import { workerLost } from "./ended-outcomes.ts";
import { type FactsOf, outcomeAttempt } from "./outcome-attempt.ts";

export type Blame =
  /**
   * The runner died, and what it ran is suspected: a message that was alone in flight is charged with a death, several are
   * charged as lost. `started`: numbers of the deliveries whose code had control, where that is known; then only they can
   * be the cause. `cause`: for people and for the caller's exception, as in "signal 9 (SIGKILL), out of memory".
   */
  | { readonly kind: "died"; readonly cause: string; readonly outOfMemory?: boolean; readonly started?: readonly number[] }
  /** Nothing it ran is to blame: a deploy, a lost node, a neighbour. `counted` false: not even as lost (a cold shutdown). */
  | { readonly kind: "innocent"; readonly cause: string; readonly counted: boolean };

export interface SettleReleasedOptions {
  readonly broker: Broker;
  readonly epoch: Epoch;
  /** As `leases.close` or `leases.held` gave them, oldest first. */
  readonly deliveries: readonly Delivery[];
  readonly blame: Blame;
  readonly factsOf: FactsOf;
  /** In whose name results are written. */
  readonly nodeName: string;
  readonly log: Logger;
  /** @defaultValue 3 */
  readonly maxDeliveries?: number;
  /** @defaultValue 10 */
  readonly maxLost?: number;
}

export interface Settled {
  readonly requeued: number;
  /** Ended as FAILURE: acknowledged early, or given up. */
  readonly ended: number;
  readonly deadLettered: number;
}

/**
 * Repeatable: what is settled already is fenced.
 * @throws {BrokerUnavailableError} when the store does not answer; the rest stays an orphan for the next try.
 */
export async function settleReleased(options: SettleReleasedOptions): Promise<Settled> {
  const { broker, epoch, deliveries, log } = options;
  const suspect = suspectOf(options);
  // Each goes to the front: the oldest goes last, so that it is the next one out.
  const attempts = deliveries.map((delivery) => judge(delivery, delivery.id.number === suspect, options)).reverse();
  const verdicts = await commitAttempts(attempts, { broker, epoch, onBehalf: true, log });
  return tally(attempts.filter((attempt) => verdicts.get(attempt) === "applied"));
}

/** The only one that can be the cause of the death. */
function suspectOf({ blame, deliveries }: SettleReleasedOptions): number | undefined {
  if (blame.kind === "innocent") return undefined;
  const numbers = blame.started ?? deliveries.map((delivery) => delivery.id.number);
  return numbers.length === 1 ? numbers[0] : undefined;
}

function judge(delivery: Delivery, isSuspect: boolean, options: SettleReleasedOptions): Attempt {
  const { blame, maxDeliveries = 3, maxLost = 10 } = options;
  if (delivery.ackedEarly) return endAs(delivery, options, blame.cause);
  const { deaths = 0, lost = 0 } = counts(delivery);
  if (isSuspect) {
    if (deaths + 1 < maxDeliveries) return requeue(delivery, { deaths: deaths + 1 });
    const detail = `died with its runner ${deaths + 1} times, the last time by ${blame.cause}`;
    return endAs(delivery, options, blame.cause, { kind: "dead-letter", reason: "poison", detail });
  }
  if (blame.kind === "innocent" && !blame.counted) return requeue(delivery, {});
  if (lost + 1 < maxLost) return requeue(delivery, { lost: lost + 1 });
  const detail = `given back ${lost + 1} times without being to blame, the last time by ${blame.cause}`;
  return endAs(delivery, options, blame.cause, { kind: "dead-letter", reason: "lost", detail });
}

/** What others wrote there is not taken for a count. */
function counts({ bytes }: Delivery): { readonly deaths?: number; readonly lost?: number } {
  const { deaths, lost } = peekHeaders(bytes)?.lovage ?? {};
  return { ...(isCount(deaths) && { deaths }), ...(isCount(lost) && { lost }) };
}

const isCount = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value >= 0;

/** Bytes that are no envelope move as they are: the next one to decode them says why. */
function requeue(delivery: Delivery, change: Partial<LovageProperties>): Attempt {
  return bare(delivery, { kind: "requeue", where: "front", bytes: markRedelivered(delivery.bytes, change) });
}

function endAs(delivery: Delivery, options: SettleReleasedOptions, cause: string, settle?: Settle): Attempt {
  const { blame, factsOf, nodeName } = options;
  let message: TaskMessage;
  try {
    message = decodeTaskMessage(delivery.bytes);
  } catch {
    return bare(delivery, settle ?? { kind: "dead-letter", reason: "undecodable", detail: `its runner was lost: ${cause}` });
  }
  const outOfMemory = blame.kind === "died" && blame.outOfMemory === true;
  const outcome = workerLost(`Worker exited prematurely: ${cause}`, outOfMemory ? "out-of-memory" : "worker-lost");
  return outcomeAttempt(outcome, factsOf({ message, delivery: delivery.id, queue: delivery.queue, nodeName }), settle);
}

const bare = (delivery: Delivery, settle: Settle): Attempt => new Attempt(bareCommit({ delivery: delivery.id }, settle), noOutcome);

function tally(attempts: readonly Attempt[]): Settled {
  const count = (kind: Settle["kind"]): number => attempts.filter((attempt) => attempt.commit.settle.kind === kind).length;
  const deadLettered = count("dead-letter");
  return { requeued: count("requeue"), ended: count("ack") + deadLettered, deadLettered };
}
