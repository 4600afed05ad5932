/**
 * Heals what no program of ours leaves behind but a hand, or an eviction, does: one of two keys that belong together is gone.
 * Any number may run; mending twice mends nothing twice.
 */
import type { Leases } from "../broker/leases.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { createLoop, type Service } from "../kernel/service.ts";

export interface JanitorOptions {
  readonly leases: Pick<Leases, "mend">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Twice within the minute that a message may be nowhere. */
const everyMs = 20_000;

export function janitor({ leases, clock, log }: JanitorOptions): Service {
  const turn = async (): Promise<undefined> => {
    const mended = (await leases.mend?.()) ?? 0;
    if (mended > 0) log.warn("janitor.mended", { messages: mended });
  };
  return createLoop({ clock, everyMs, turn, onError: (error) => log.warn("janitor.failed", { error }) });
}
