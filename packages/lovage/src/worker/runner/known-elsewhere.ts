/**
 * Whether any live node, Python's included, knows a task: asked before a message of an unknown task is given up, and never
 * before. Answers are kept for a while, so that a thousand such messages are one question.
 */
import type { Leases } from "../../broker/leases.ts";
import { ask } from "../../control/ask.ts";
import type { ControlLink } from "../../control/control-link.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

export interface KnownElsewhereOptions {
  readonly leases: Pick<Leases, "fleet">;
  /** Where Python's nodes hear questions; absent: there are none. */
  readonly pidbox?: ControlLink;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds that an answer is good for, and that nodes get to answer. */
const goodForMs = 30_000;
const answerWithinMs = 2000;

export class KnownElsewhere {
  readonly #options: KnownElsewhereOptions;
  #names: Promise<ReadonlySet<string>> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: KnownElsewhereOptions) {
    this.#options = options;
  }

  /** Rejects when the store does not answer. */
  async knows(task: string): Promise<boolean> {
    const now = this.#options.clock.monotonic();
    if (this.#names === undefined || now - this.#askedAt > goodForMs) {
      this.#askedAt = now;
      this.#names = this.#ask();
      this.#names.catch(() => {
        this.#names = undefined;
      });
    }
    return (await this.#names).has(task);
  }

  async #ask(): Promise<ReadonlySet<string>> {
    const { leases, pidbox, log } = this.#options;
    const question = { method: "registered", arguments: { builtins: true }, timeoutMs: answerWithinMs };
    const [fleet, answers] = await Promise.all([leases.fleet(), pidbox ? ask(pidbox, question) : {}]);
    const names = new Set(fleet.nodes.flatMap(({ info }) => info.tasks));
    for (const list of Object.values(answers))
      if (Array.isArray(list)) for (const name of list) names.add(String(name).replace(/ \[.*$/s, ""));
    log.debug("runner.asked-for-tasks", { nodes: fleet.nodes.length, answers: Object.keys(answers).length, names: names.size });
    return names;
  }
}
