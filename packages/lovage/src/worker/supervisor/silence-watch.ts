/**
 * Ends runners whose whole process is frozen: stopped by a signal, or stuck in the kernel. Their watchdog is frozen with them, so
 * nobody there keeps a limit or hears of a cancel, and what they hold would wait for as long as the node lives. What they held goes back to
 * its queue, without blame.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service } from "../../kernel/service.ts";
import type { Epoch } from "../../message/commit.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface SilenceWatchOptions {
  readonly pool: () => Pick<RunnerPool, "members" | "kill">;
  readonly canKill: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A busy machine may keep a watchdog waiting for seconds: it has this long to answer, three times in a row. */
const askWithinMs = 4000;
const lookEveryMs = 4000;
const mostLooks = 3;

export function silenceWatch({ pool, canKill, clock, log }: SilenceWatchOptions): Service {
  let silentLooks = new Map<Epoch, number>();

  async function ask(member: Member): Promise<readonly [Member, number]> {
    const answered = await member.runner.slots(askWithinMs).then(
      () => true,
      () => false,
    );
    return [member, answered ? 0 : (silentLooks.get(member.epoch) ?? 0) + 1];
  }

  async function look(): Promise<undefined> {
    const asked = await Promise.all(
      pool()
        .members.filter(({ stage }) => stage === "ready" || stage === "draining")
        .map(ask),
    );
    silentLooks = new Map(asked.map(([{ epoch }, looks]) => [epoch, looks]));
    for (const [member, looks] of asked) {
      if (looks < mostLooks) continue;
      log.error("runner.silent", { epoch: member.epoch, pid: member.runner.pid, forMs: mostLooks * askWithinMs });
      if (canKill) await pool().kill(member, "silent");
    }
    return undefined;
  }

  return createLoop({ clock, everyMs: lookEveryMs, turn: look, onError: (error) => log.error("runner.silence-watch-failed", { error }) });
}
