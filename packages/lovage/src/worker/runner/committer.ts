/**
 * The outcomes that wait for the store, and what its replies make of them. An outcome is kept until the store has taken it,
 * refused it for good in every form, or fenced it; its slot stays taken until then. Sends nothing itself: `Wire` does.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { CommitReply } from "../../message/commit.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { Attempt } from "../../upkeep/attempt.ts";
import type { Held, Holdings } from "./held.ts";
import { RecentOutcomes } from "./recent-outcomes.ts";

export interface CommitterOptions {
  readonly holdings: Holdings;
  readonly clock: Clock;
  readonly log: Logger;
  /** It took effect. */
  onApplied(attempt: Attempt): void;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #recent = new RecentOutcomes();
  #queue: Attempt[] = [];

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  add(held: Held, attempt: Attempt): void {
    held.stage = "committing";
    this.#queue.push(attempt);
  }

  /** An outcome that the store once took and has forgotten. False: we have forgotten it too. */
  addAgain(held: Held): boolean {
    const attempt = this.#recent.take(held.number, this.#options.clock.monotonic());
    if (attempt === undefined) return false;
    this.add(held, attempt);
    return true;
  }

  /** The store has taken its outcome a moment ago. */
  remembers(number: number): boolean {
    return this.#recent.has(number);
  }

  get pending(): number {
    return this.#queue.length;
  }

  take(): readonly Attempt[] {
    const batch = this.#queue;
    if (batch.length > 0) this.#queue = [];
    return batch;
  }

  answered(attempts: readonly Attempt[], replies: readonly CommitReply[]): void {
    const now = this.#options.clock.monotonic();
    for (const [index, attempt] of attempts.entries()) {
      const reply = replies[index];
      if (reply !== undefined) this.#answered(attempt, reply, now);
    }
  }

  /** Taken, and not sent after all. */
  putBack(attempts: readonly Attempt[]): void {
    this.#queue = [...attempts, ...this.#queue];
  }

  #answered(attempt: Attempt, reply: CommitReply, now: number): void {
    const { holdings, log } = this.#options;
    const { number } = attempt.commit.delivery;
    const held = holdings.get(number);
    switch (attempt.answer(reply)) {
      case "again":
        if (attempt.refusal !== null && reply.kind === "refused") log.warn("runner.commit-refused", { number, ...attempt.refusal });
        this.#queue.push(attempt);
        return;
      case "hopeless":
        log.error("runner.commit-hopeless", { number, ...attempt.refusal });
        if (held !== undefined) holdings.markStuck(held);
        break;
      case "applied":
        this.#applied(attempt, now);
        if (held !== undefined) holdings.delete(held);
        break;
      case "fenced":
        if (attempt.maybeApplied) this.#applied(attempt, now);
        else log.warn("runner.outcome-fenced", { number, ...(held?.message && runFacts(held.message)) });
        if (held !== undefined) holdings.delete(held);
        break;
    }
  }

  #applied(attempt: Attempt, now: number): void {
    this.#recent.add(attempt, now);
    this.#options.onApplied(attempt);
  }
}
