/** What became of the app's tasks, read from the capped log that commits write it to (`transitionsKept`). */
import type { LogId, StateStore } from "../broker/state-store.ts";
import { type Transition, transitionsLog } from "../message/transition.ts";

export interface SeenTransition extends Transition {
  /** To go on from. */
  readonly id: LogId;
  /** Some before this one may have been dropped: the reader was away for longer than the log keeps. */
  readonly missed: boolean;
}

/**
 * Those after `after`, then new ones as they come, until `signal` aborts. @param after "": from the oldest that is kept;
 * undefined: only what comes from now on.
 */
export async function* followTransitions(state: StateStore, after: LogId | undefined, signal: AbortSignal): AsyncGenerator<SeenTransition> {
  const from = after ?? (await state.tail(transitionsLog, 1))[0]?.id ?? "";
  let missed = from !== "" && after !== undefined && !(await state.has(transitionsLog, from));
  for await (const { id, data } of state.follow(transitionsLog, from, signal)) {
    yield { ...(JSON.parse(Buffer.from(data).toString()) as Transition), id, missed };
    missed = false;
  }
}
