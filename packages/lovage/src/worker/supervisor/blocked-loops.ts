/**
 * Tells people which tasks keep a runner's loop from turning: their names and ids, looked up in the in-flight records, since the
 * runner itself cannot speak meanwhile.
 */
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import { peekHeaders } from "../../message/decode.ts";
import type { FromWatchdog } from "../../pool/protocol.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { Member } from "./member.ts";

export type LoopBlocked = Extract<FromWatchdog, { readonly t: "loop-blocked" }>;

export interface BlockedLoopsOptions {
  readonly log: Logger;
  held(epoch: Epoch): Promise<readonly Delivery[]>;
}

export class BlockedLoops {
  readonly #options: BlockedLoopsOptions;

  constructor(options: BlockedLoopsOptions) {
    this.#options = options;
  }

  /** Where it cannot be told which of several it is, all are named. Never rejects: a store that does not answer leaves them unnamed. */
  async seen(member: Member, { numbers, lagMs, stack }: LoopBlocked): Promise<void> {
    const { held, log } = this.#options;
    const deliveries = await held(member.epoch).catch(() => []);
    const tasks = deliveries.filter(({ id }) => numbers.includes(id.number)).map(({ bytes }) => peekHeaders(bytes));
    log.warn("runner.loop-blocked", {
      pid: member.runner.pid,
      lagMs: Math.round(lagMs),
      ...(tasks.length === 1 && tasks[0] && runFacts(tasks[0])),
      tasks: tasks.map((task) => `${task?.task}[${task?.id}]`),
      ...(stack && { stack }),
    });
  }
}
