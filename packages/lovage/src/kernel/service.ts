/** The one lifecycle of everything long-running: worker actors, upkeep, servers. */
import type { Clock } from "./clock.ts";

export interface StopOptions {
  /** warm: finish what runs. cold: give it back. */
  readonly mode: "warm" | "cold";
  /** Milliseconds until a warm stop turns cold; Infinity: never. */
  readonly graceMs: number;
}

export interface Service {
  /** Resolves when it does its work; rejects when it cannot. */
  start(): Promise<void>;
  /** Before `start`: fine. Twice: fine, both wait for the same end. */
  stop(how: StopOptions): Promise<void>;
}

export interface LoopOptions {
  readonly clock: Clock;
  /** Milliseconds between the end of one turn and the start of the next. A turn that returns a number sets its own pause. */
  readonly everyMs: number;
  readonly turn: (signal: AbortSignal) => Promise<number | undefined>;
  /** A turn that throws is reported here; the loop goes on. */
  readonly onError: (error: unknown) => void;
}

/** A service that repeats one piece of work, the first time at once. `stop` waits for the turn under way. */
export function createLoop(options: LoopOptions): Service {
  const { clock, everyMs, turn, onError } = options;
  let running: Promise<void> | undefined;
  let abort = new AbortController();
  const oneTurn = async (): Promise<number> => {
    try {
      return (await turn(abort.signal)) ?? everyMs;
    } catch (error) {
      if (!abort.signal.aborted) onError(error);
      return everyMs;
    }
  };
  const repeat = async (): Promise<void> => {
    const { signal } = abort;
    while (!signal.aborted) await clock.sleep(await oneTurn(), signal).catch(() => undefined);
  };
  return {
    async start() {
      running ??= repeat();
    },
    async stop() {
      abort.abort();
      await running;
      running = undefined;
      abort = new AbortController();
    },
  };
}
