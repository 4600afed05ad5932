/** Turns ends of deliveries into attempts to commit them, and tells the promoter of what gets parked on the way. */
import type { App } from "../../app/app.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Settle } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import { uniqueHoldOf } from "../../message/unique-hold.ts";
import { runFacts } from "../../task/run-facts.ts";
import { Attempt, bareCommit, noOutcome } from "../../upkeep/attempt.ts";
import { outcomeAttempt } from "../../upkeep/outcome-attempt.ts";
import type { TaskLog } from "../task-log.ts";
import type { Held } from "./held.ts";

export interface SettlerOptions {
  readonly app: App;
  readonly nodeName: string;
  readonly log: Logger;
  readonly taskLog: TaskLog;
  /** The store's wall clock, milliseconds. */
  storeNow(): number;
  /** Something will be parked for so many milliseconds. */
  onParked(inMs: number): void;
  commit(held: Held, attempt: Attempt): void;
}

export interface EndFacts {
  /** Milliseconds; absent: it never ran. */
  readonly runtimeMs?: number;
  /** In place of the outcome's own. */
  readonly settle?: Settle;
}

export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  end(held: Held, outcome: Outcome, facts: EndFacts = {}): void {
    if (held.message !== null) this.#options.taskLog.ended(held.message, outcome, facts.runtimeMs);
    try {
      this.#commit(held, this.#attempt(held, outcome, facts));
    } catch (error) {
      // Not even a FAILURE can be made of it: the message is kept where people look.
      this.#options.log.error("runner.outcome-unwritable", { ...(held.message && runFacts(held.message)), error });
      this.settle(held, { kind: "dead-letter", reason: "refused", detail: `no outcome could be written: ${String(error)}` });
    }
  }

  /** Nothing but the settlement: it goes back, waits, or is kept with the dead letters. */
  settle(held: Held, settle: Settle): void {
    const { message, delivery } = held;
    const frees = message === null ? undefined : uniqueHoldOf(message.id, message.lovage);
    this.#commit(held, new Attempt(bareCommit({ delivery: delivery.id, ...(frees !== undefined && { frees }) }, settle), noOutcome));
  }

  #attempt({ delivery, message }: Held, outcome: Outcome, { runtimeMs, settle }: EndFacts): Attempt {
    const { app, nodeName } = this.#options;
    if (message === null) throw new Error("a delivery ended before it was decoded");
    const { id, queue } = delivery;
    // Two literals: one is made per task, and a spread costs ten times as much.
    const ended =
      runtimeMs === undefined ? { message, delivery: id, queue, nodeName } : { message, delivery: id, queue, nodeName, runtimeMs };
    return outcomeAttempt(outcome, app.facts(ended), settle);
  }

  #commit(held: Held, attempt: Attempt): void {
    const { onParked, storeNow, commit } = this.#options;
    const { settle, publish } = attempt.commit;
    if (settle.kind === "park") onParked(settle.untilMs - storeNow());
    for (const { parkMs } of publish) if (parkMs !== undefined && parkMs > 0) onParked(parkMs);
    commit(held, attempt);
  }
}
