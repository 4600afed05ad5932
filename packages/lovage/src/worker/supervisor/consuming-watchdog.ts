/**
 * Notices a node that is connected and takes nothing: a queue is not empty and a runner idle, or a runner asks
 * and is not answered, and nothing moves. Then bells are rebuilt and all runners look for themselves; if that does not help either, the
 * node gives up and its init system starts another. A broker that does not answer is not this case: runners wait for it.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service } from "../../kernel/service.ts";

export interface ConsumingWatchdogOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Messages waiting in the node's queues. */
  waiting(): Promise<number>;
  idleRunners(): number;
  /** Runners whose question for messages the store leaves open, although it answers the node. What is meant for them may be in flight already. */
  unansweredRunners(): Promise<number>;
  /** Changes whenever a runner takes or ends something. */
  progress(): Promise<string>;
  restartWaking(): Promise<void>;
  /** Each look: whether a runner has a place free and should have had something, and nothing moved since the last. */
  onLook(stuck: boolean): void;
  giveUp(): void;
}

/** Milliseconds between looks while all is well, and while something may be wrong: an idle node should say little. */
const lookEveryMs = 15_000;
const lookAgainMs = 5000;
const stuckAfterMs = 15_000;
const giveUpAfterMs = 30_000;

export function consumingWatchdog(options: ConsumingWatchdogOptions): Service {
  const { clock, log, waiting, idleRunners, unansweredRunners, progress, restartWaking, onLook, giveUp } = options;
  /** The progress that stands still, and since when. */
  let still: { readonly progress: string; readonly since: number } | undefined;
  let unanswered = 0;
  let restarted = false;
  let gaveUp = false;
  const fine = () => {
    still = undefined;
    restarted = false;
  };
  /** For how long nothing has moved that should; undefined: all is well. */
  const stuckMs = async (): Promise<number | undefined> => {
    unanswered = await unansweredRunners();
    if (unanswered === 0 && (idleRunners() === 0 || (await waiting()) === 0)) return undefined;
    const [now, at] = [await progress(), clock.monotonic()];
    if (now !== still?.progress) {
      fine();
      still = { progress: now, since: at };
    }
    return at - still.since;
  };
  const turn = async (): Promise<number> => {
    if (gaveUp) return lookEveryMs;
    const forMs = await stuckMs();
    onLook(forMs !== undefined && forMs > 0);
    if (forMs === undefined) {
      fine();
      return lookEveryMs;
    }
    if (restarted && forMs >= giveUpAfterMs) {
      log.error("consuming.gave-up", { idle: idleRunners(), unanswered });
      gaveUp = true;
      giveUp();
    } else if (!restarted && forMs >= stuckAfterMs) {
      log.warn("consuming.stuck", { idle: idleRunners(), unanswered });
      restarted = true;
      await restartWaking();
    }
    return lookAgainMs;
  };
  const onError = (error: unknown) => {
    fine();
    log.debug("consuming.look-failed", { error });
  };
  return createLoop({ clock, everyMs: lookEveryMs, turn, onError });
}
