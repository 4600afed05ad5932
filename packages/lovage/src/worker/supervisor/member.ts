/** A runner as its supervisor knows it, from before it is ready until its work is settled. */
import type { Epoch } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { Runner, RunnerExit } from "../../pool/runner-host.ts";
import { type ExitCause, oomKills } from "./exit-cause.ts";

/**
 * starting: no tasks yet. ready: takes work. draining: takes no more. killing: its end was asked for.
 * Only starting and ready ones count towards the pool's size once they are retired from it.
 */
export type MemberStage = "starting" | "ready" | "draining" | "killing";

/** Why we killed it, or made it end; null: it died by itself. */
export type EndReason = "time-limit" | "cancelled" | "shutdown" | "fenced" | "drained" | "blocked" | "recycle" | "shrink" | "memory" | null;

export interface Member {
  readonly epoch: Epoch;
  readonly runner: Runner;
  readonly spawnedAt: number;
  stage: MemberStage;
  /** A spare may take its place already, while it finishes what it has. */
  retired: boolean;
  wasReady: boolean;
  endReason: EndReason;
  /** Why it died, once that is known; null: it lives, or ended as it should. */
  cause: ExitCause | null;
  /** Of the kernel, before it was spawned. */
  readonly oomKills: number | null;
  /** Outcomes to write when its code is gone, by delivery number: what is not in here goes back to its queue. */
  readonly verdicts: Map<number, Outcome>;
  /** Deliveries it held when it last said that the store does not answer. */
  held: number;
  /** Said by the runner before it gave up. */
  failure: { readonly code: string; readonly message: string } | null;
}

/** A member that is gone, for settling what it left behind. */
export interface Departed {
  readonly member: Member;
  readonly exit: RunnerExit;
}

export function newMember(runner: Runner, spawnedAt: number): Member {
  return {
    epoch: runner.epoch,
    runner,
    spawnedAt,
    stage: "starting",
    retired: false,
    wasReady: false,
    endReason: null,
    cause: null,
    oomKills: oomKills(),
    verdicts: new Map(),
    held: 0,
    failure: null,
  };
}
