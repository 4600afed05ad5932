/** Ends runners whose process has grown above its hard memory limit, in the middle of what they do: it is charged as their death. */
import type { Logger } from "../../kernel/logger.ts";
import type { FromWatchdog } from "../../pool/protocol.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface MemoryLimitOptions {
  readonly pool: () => RunnerPool;
  readonly canKill: boolean;
  readonly log: Logger;
}

export class MemoryLimit {
  readonly #options: MemoryLimitOptions;

  constructor(options: MemoryLimitOptions) {
    this.#options = options;
  }

  async reached(member: Member, { bytes, limitBytes }: Extract<FromWatchdog, { readonly t: "over-memory" }>): Promise<void> {
    const { pool, canKill, log } = this.#options;
    const [mebibytes, limitMebibytes] = [bytes, limitBytes].map((each) => Math.round(each / 2 ** 20));
    log.warn("runner.over-memory", { epoch: member.epoch, pid: member.runner.pid, mebibytes, limitMebibytes });
    if (!canKill) return;
    const how = `out of memory: its process had ${mebibytes} MiB, and workerHardMemoryPerChild is ${limitMebibytes} MiB`;
    member.death ??= { cause: "memory-limit", how };
    await pool().kill(member, "memory");
  }
}
