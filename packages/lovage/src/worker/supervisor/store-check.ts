/**
 * Looks once a minute at what the store says of itself, and tells what is new: memory that is nearly used up, a policy that
 * somebody changed. It changes nothing: a full store still lets workers drain it, and tells producers by itself.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service } from "../../kernel/service.ts";
import type { Finding, Store } from "../../store/store.ts";

export interface StoreCheckOptions {
  readonly store: Pick<Store, "ping">;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const everyMs = 60_000;

export function storeCheck({ store, deadlineMs, clock, log }: StoreCheckOptions): Service {
  let known: readonly Finding[] = [];
  const turn = async (): Promise<undefined> => {
    const { findings } = await store.ping(deadlineMs);
    for (const { what, level, message } of findings)
      if (!known.some((each) => each.what === what && each.level === level))
        log[level === "fatal" ? "error" : "warn"]("store.unsafe", { what, message });
    for (const { what } of known) if (!findings.some((each) => each.what === what)) log.info("store.safe-again", { what });
    known = findings;
  };
  // A store that does not answer is reported by those who need it.
  return createLoop({ clock, everyMs, turn, onError: (error) => log.debug("store.check-failed", { error }) });
}
