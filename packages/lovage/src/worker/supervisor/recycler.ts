/**
 * Replaces runners that have reached `maxTasksPerChild` or `maxMemoryPerChild`. They look between tasks and drain by
 * themselves; here it is decided when the next one starts. With one slot: when the old one is gone, so that never more
 * tasks run than `-c` says, and two models never share a GPU. With several: at once, a long task must not hold up the rest.
 */
import type { Logger } from "../../kernel/logger.ts";
import type { FromRunner } from "../../pool/protocol.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface RecyclerOptions {
  readonly pool: () => RunnerPool;
  readonly slots: number;
  readonly log: Logger;
}

export class Recycler {
  readonly #options: RecyclerOptions;

  constructor(options: RecyclerOptions) {
    this.#options = options;
  }

  /** Each when it has finished what it runs. */
  all(): void {
    const { pool, slots, log } = this.#options;
    const members = pool().lasting;
    log.info("pool.restart", { runners: members.length });
    for (const member of members) {
      member.endReason ??= "recycle";
      if (slots > 1) pool().retire(member);
      else pool().drain(member);
    }
  }

  reached(member: Member, { reason }: Extract<FromRunner, { readonly t: "recycle" }>): void {
    const { log, slots, pool } = this.#options;
    log.info("runner.recycle", { epoch: member.epoch, pid: member.runner.pid, why: reason });
    member.endReason ??= "recycle";
    if (slots > 1) pool().retire(member);
  }
}
