/** Commits attempts until each is settled, for callers that have nothing else to say to the store meanwhile. */
import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Epoch } from "../message/commit.ts";
import type { Attempt, Verdict } from "./attempt.ts";

/** Commits per call: one reply stays small, and a neighbour's commits get in between. */
const perCall = 500;

export interface CommitAttemptsOptions {
  readonly broker: Broker;
  readonly epoch: Epoch;
  /** The epoch is closed, and we settle what it left. */
  readonly onBehalf: boolean;
  readonly log: Logger;
  /** It took effect. */
  onApplied?(attempt: Attempt): void;
}

/**
 * In the order given, each once or more. What is fenced was settled by somebody else, which is as good.
 * @throws {BrokerUnavailableError} when the store does not answer: what was settled stays so, call again for the rest.
 */
export async function commitAttempts(attempts: readonly Attempt[], options: CommitAttemptsOptions): Promise<ReadonlyMap<Attempt, Verdict>> {
  const verdicts = new Map<Attempt, Verdict>();
  for (let open = attempts; open.length > 0; open = open.filter((attempt) => verdicts.get(attempt) === "again"))
    for (let at = 0; at < open.length; at += perCall) await commitSlice(open.slice(at, at + perCall), options, verdicts);
  return verdicts;
}

async function commitSlice(slice: readonly Attempt[], options: CommitAttemptsOptions, verdicts: Map<Attempt, Verdict>): Promise<void> {
  const { broker, epoch, onBehalf, log } = options;
  const batch = slice.map((attempt) => attempt.commit);
  const { replies } = await broker.commit(epoch, batch, { onBehalf });
  for (const [index, attempt] of slice.entries()) {
    const reply = replies[index];
    const verdict = reply === undefined ? "hopeless" : attempt.answer(reply);
    if (verdict === "hopeless") log.error("upkeep.commit-hopeless", { epoch, number: attempt.commit.delivery.number, ...attempt.refusal });
    verdicts.set(attempt, verdict);
    if (verdict === "applied") options.onApplied?.(attempt);
  }
}
