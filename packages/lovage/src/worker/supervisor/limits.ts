/**
 * Hard time limits. At the limit the outcome is written; then the code is ended: a runner with one slot is killed, one with
 * several is retired while its loop turns (the run is abandoned, neighbours finish, a spare serves) and killed when it does
 * not. Soft limits are the watchdog's own.
 */
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import { peekHeaders } from "../../message/decode.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { FromWatchdog } from "../../pool/protocol.ts";
import { blockedAfterMs } from "../../pool/watchdog.ts";
import { runFacts } from "../../task/run-facts.ts";
import { timeLimitExceeded } from "../../upkeep/ended-outcomes.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export type HardLimit = Extract<FromWatchdog, { readonly t: "hard-limit" }>;

export interface LimitsOptions {
  readonly pool: () => RunnerPool;
  readonly slots: number;
  readonly canKill: boolean;
  readonly log: Logger;
  /** Writes the end of a run over its runner's head. undefined: it had ended by itself. @throws when the store does not answer. */
  end(epoch: Epoch, number: number, outcome: Outcome): Promise<Delivery | undefined>;
}

export class Limits {
  readonly #options: LimitsOptions;

  constructor(options: LimitsOptions) {
    this.#options = options;
  }

  async reached(member: Member, limit: HardLimit): Promise<void> {
    const { log, slots, canKill, pool } = this.#options;
    const { number, limitMs, loopLagMs } = limit;
    const outcome = timeLimitExceeded(limitMs / 1000);
    const ended = await this.#write(member, number, outcome);
    if (ended === undefined) return;
    const named = ended === "unwritten" ? null : peekHeaders(ended.bytes);
    log.warn("task.time-limit", { ...(named && runFacts(named)), epoch: member.epoch, pid: member.runner.pid, number, limitMs });
    const blocked = loopLagMs >= blockedAfterMs;
    if (canKill && (slots === 1 || blocked)) return pool().kill(member, "time-limit");
    member.runner.send({ t: "abandon", epoch: member.epoch, number });
    pool().retire(member);
  }

  /** A retired runner serves nobody new; if what it abandoned now blocks its neighbours, they are better off elsewhere. */
  async blocked(member: Member): Promise<void> {
    if (this.#options.canKill && member.retired) await this.#options.pool().kill(member, "blocked");
  }

  /** undefined: the run has ended by itself. A store that is down does not stretch a limit: the outcome is written when it is back. */
  async #write(member: Member, number: number, outcome: Outcome): Promise<Delivery | "unwritten" | undefined> {
    try {
      return await this.#options.end(member.epoch, number, outcome);
    } catch (error) {
      this.#options.log.warn("task.time-limit-unwritten", { epoch: member.epoch, number, error });
      member.verdicts.set(number, outcome);
      return "unwritten";
    }
  }
}
