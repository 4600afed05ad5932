import { setTimeout as sleep } from "node:timers/promises";
import { isLovageError } from "lovage";

/** Tries again until it succeeds, or the signal aborts. Never rejects. `onFault` hears once of what is not just a store that is away. */
export async function untilAnswered(signal: AbortSignal, onFault: (error: unknown) => void, work: () => Promise<void>): Promise<void> {
  let isTold = false;
  for (let pauseMs = 250; !signal.aborted; pauseMs = Math.min(5000, 2 * pauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isTold && !isAway(error)) onFault(error);
      isTold ||= !isAway(error);
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** A store did not answer. */
export const isAway = (error: unknown): boolean => isLovageError(error) && error.name === "BrokerUnavailableError";

/** What fails for one job must not keep others waiting: it is told, and `otherwise` is the answer. @throws when a store is away, for all of them. */
export async function unlessFaulty<T>(onFault: (error: unknown) => void, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAway(error)) throw error;
    onFault(error);
    return otherwise;
  }
}
