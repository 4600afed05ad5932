/**
 * What becomes of the deliveries of a runner that is gone. Its epoch must be closed. Most go back to the front of their
 * queues, counted; one that was acknowledged early is ended, since it may not run twice; one that has killed its runners, or
 * was lost, too often is ended and kept with the dead letters; those of which one has killed a runner with several run alone
 * from now on (design.md §2, Poison). Every end is a whole commit, with result, chord part and errbacks.
 */
import type { Broker } from "../broker/broker.ts";
import type { Reassigned } from "../broker/leases.ts";
import type { Logger } from "../kernel/logger.ts";
import type { DeathCause, Delivery, Epoch, Settle } from "../message/commit.ts";
import { decodeTaskMessage, peekHeaders } from "../message/decode.ts";
import { markRedelivered } from "../message/mark-redelivered.ts";
import type { LovageProperties, TaskMessage } from "../message/task-message.ts";
import { Attempt, bareCommit, noOutcome } from "./attempt.ts";
import { commitAttempts } from "./commit-attempts.ts";
import { workerLost } from "./ended-outcomes.ts";
import { type FactsOf, outcomeAttempt } from "./outcome-attempt.ts";

export type Blame =
  /**
   * The runner died, and what it ran is suspected. `started`: numbers of the deliveries whose code had control, where that is
   * known; then only they can be the cause. `inCompany`: others died with it, so that it need not be one of these at all.
   * `cause`: for people and for the caller's exception, as in "signal SIGKILL: the system was out of memory".
   */
  | {
      readonly kind: "died";
      readonly cause: string;
      readonly death?: DeathCause;
      readonly started?: readonly number[];
      readonly inCompany?: boolean;
    }
  /** Nothing it ran is to blame: a deploy, a lost node, a neighbour. `counted` false: not even as lost (a cold shutdown). */
  | { readonly kind: "innocent"; readonly cause: string; readonly death?: DeathCause; readonly counted: boolean };

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
  /**
   * Where a runner's neighbours must be protected: takes messages that may be the cause, to run each alone. Without it several that
   * may be are charged as lost, and go back to their queues.
   */
  readonly quarantine?: (suspects: readonly Reassigned[]) => Promise<void>;
  /** It took effect. */
  onApplied?(attempt: Attempt): void;
}

export interface Settled {
  /** To run alone. */
  readonly quarantined: number;
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
  const { broker, epoch, deliveries, log, quarantine, onApplied } = options;
  const suspects = suspectsOf(options);
  const verdicts = deliveries.map((delivery) => judge(delivery, suspects, options));
  const quarantined = verdicts.filter((verdict): verdict is Reassigned => !(verdict instanceof Attempt));
  if (quarantined.length > 0) await quarantine?.(quarantined);
  // Each goes to the front: the oldest goes last, so that it is the next one out.
  const attempts = verdicts.filter((verdict) => verdict instanceof Attempt).reverse();
  const applied = await commitAttempts(attempts, { broker, epoch, onBehalf: true, log, ...(onApplied && { onApplied }) });
  return tally(
    attempts.filter((attempt) => applied.get(attempt) === "applied"),
    quarantined.length,
  );
}

interface Suspects {
  readonly numbers: ReadonlySet<number>;
  /** It is the only one that can be the cause. */
  readonly certain: boolean;
}

function suspectsOf({ blame, deliveries }: SettleReleasedOptions): Suspects {
  if (blame.kind === "innocent") return { numbers: new Set(), certain: false };
  const numbers = new Set(blame.started ?? deliveries.map((delivery) => delivery.id.number));
  return { numbers, certain: numbers.size === 1 && blame.inCompany !== true };
}

/** What is committed, or how it goes into quarantine. */
function judge(delivery: Delivery, suspects: Suspects, options: SettleReleasedOptions): Attempt | Reassigned {
  const { blame, maxDeliveries = 3, maxLost = 10, quarantine } = options;
  const { number } = delivery.id;
  if (delivery.ackedEarly) return endAs(delivery, options, blame.cause);
  const { deaths = 0, suspected = 0, lost = 0 } = counts(delivery);
  const isSuspect = suspects.numbers.has(number);
  if (isSuspect && suspects.certain) {
    // What dies alone was the cause when it died in company, too.
    const died = deaths + (suspected > 0 ? 2 : 1);
    const change = { deaths: died, ...(suspected > 0 && { suspected: 0 }) };
    if (died >= maxDeliveries) return endAs(delivery, options, blame.cause, poison(died, blame));
    return quarantine ? { number, bytes: markRedelivered(delivery.bytes, change) } : requeue(delivery, change);
  }
  // One that never gets to run alone (its nodes end meanwhile) is not suspected for ever.
  if (isSuspect && quarantine && suspected + 1 < maxLost)
    return { number, bytes: markRedelivered(delivery.bytes, { suspected: suspected + 1 }) };
  if (blame.kind === "innocent" && !blame.counted) return requeue(delivery, {});
  if (lost + 1 < maxLost) return requeue(delivery, { lost: lost + 1 });
  const detail = `given back ${lost + 1} times without being to blame, the last time by ${blame.cause}`;
  return endAs(delivery, options, blame.cause, { kind: "dead-letter", reason: "lost", detail, ...causeOf(blame) });
}

const poison = (died: number, blame: Blame): Settle => ({
  kind: "dead-letter",
  reason: "poison",
  detail: `died with its runner ${died} times, the last time by ${blame.cause}`,
  attempts: died,
  ...causeOf(blame),
});

const forMemory: ReadonlySet<DeathCause> = new Set(["out-of-memory", "heap-limit", "memory-limit"]);

const causeOf = ({ death }: Blame) => (death === undefined ? {} : { cause: death });

/** What others wrote there is not taken for a count. */
function counts({ bytes }: Delivery): Pick<LovageProperties, "deaths" | "suspected" | "lost"> {
  const { deaths, suspected, lost } = peekHeaders(bytes)?.lovage ?? {};
  return { ...(isCount(deaths) && { deaths }), ...(isCount(suspected) && { suspected }), ...(isCount(lost) && { lost }) };
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
    return bare(
      delivery,
      settle ?? { kind: "dead-letter", reason: "undecodable", detail: `its runner was lost: ${cause}`, ...causeOf(options.blame) },
    );
  }
  const outOfMemory = blame.death !== undefined && forMemory.has(blame.death);
  const outcome = workerLost(`Worker exited prematurely: ${cause}`, outOfMemory ? "out-of-memory" : "worker-lost");
  return outcomeAttempt(outcome, factsOf({ message, delivery: delivery.id, queue: delivery.queue, nodeName }), settle);
}

const bare = (delivery: Delivery, settle: Settle): Attempt => new Attempt(bareCommit({ delivery: delivery.id }, settle), noOutcome);

function tally(attempts: readonly Attempt[], quarantined: number): Settled {
  const count = (kind: Settle["kind"]): number => attempts.filter((attempt) => attempt.commit.settle.kind === kind).length;
  const deadLettered = count("dead-letter");
  return { quarantined, requeued: count("requeue"), ended: count("ack") + deadLettered, deadLettered };
}
