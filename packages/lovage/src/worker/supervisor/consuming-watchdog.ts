/**
 * Notices a node that is connected and takes nothing: a queue is not empty, a runner is idle, and nothing moves. Then bells
 * are rebuilt and all runners look for themselves; if that does not help either, the node gives up and its init system
 * starts another. A broker that does not answer is not this case: runners wait for it.
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
  /** Changes whenever a runner takes or ends something. */
  progress(): Promise<string>;
  restartWaking(): Promise<void>;
  /** Each look: whether a queue is not empty, a runner is idle, and nothing moved since the last. */
  onLook(stuck: boolean): void;
  giveUp(): void;
}

/** Milliseconds between looks while all is well, and while something may be wrong: an idle node should say little. */
const lookEveryMs = 15_000;
const lookAgainMs = 5000;
const stuckAfterMs = 15_000;

export function consumingWatchdog(options: ConsumingWatchdogOptions): Service {
  const { clock, log, waiting, idleRunners, progress, restartWaking, onLook, giveUp } = options;
  let stuckSince: number | undefined;
  let seen = "";
  let restarted = false;
  let gaveUp = false;
  const fine = () => {
    stuckSince = undefined;
    restarted = false;
  };
  const isStuck = async (): Promise<boolean> => {
    if (idleRunners() === 0 || (await waiting()) === 0) return false;
    const now = await progress();
    const moved = now !== seen;
    seen = now;
    return !moved;
  };
  const turn = async (): Promise<number> => {
    if (gaveUp) return lookEveryMs;
    const stuck = await isStuck();
    onLook(stuck);
    if (!stuck) {
      fine();
      return lookEveryMs;
    }
    stuckSince ??= clock.monotonic();
    if (clock.monotonic() - stuckSince < stuckAfterMs) return lookAgainMs;
    if (restarted) {
      log.error("consuming.gave-up", { idle: idleRunners() });
      gaveUp = true;
      giveUp();
    } else {
      log.warn("consuming.stuck", { idle: idleRunners() });
      restarted = true;
      stuckSince = clock.monotonic();
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
