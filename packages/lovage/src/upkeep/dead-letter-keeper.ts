/** Keeps the dead letters within their number and age: the oldest go first, and it is said how many. */
import type { DeadLetters } from "../broker/dead-letters.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { createLoop, type Service } from "../kernel/service.ts";

export interface DeadLetterKeeperOptions {
  readonly deadLetters: Pick<DeadLetters, "trim">;
  /** null: no limit. */
  readonly most: number | null;
  readonly olderThanMs: number | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** @defaultValue 60_000 */
  readonly lookEveryMs?: number;
}

export function deadLetterKeeper({ deadLetters, most, olderThanMs, clock, log, lookEveryMs = 60_000 }: DeadLetterKeeperOptions): Service {
  const turn = async (): Promise<undefined> => {
    if (most === null && olderThanMs === null) return;
    const dropped = await deadLetters.trim({ most, olderThanMs });
    if (dropped > 0) log.warn("dead-letters.dropped", { dropped, most, olderThanMs });
  };
  return createLoop({ clock, everyMs: lookEveryMs, turn, onError: (error) => log.warn("dead-letters.look-failed", { error }) });
}
