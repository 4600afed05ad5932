/** A runner as its supervisor knows it, from before it is ready until its work is settled. */
import type { DeathCause, Epoch } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { Runner, RunnerExit } from "../../pool/runner-host.ts";

/**
 * starting: no tasks yet. ready: takes work. draining: takes no more. killing: its end was asked for.
 * Only starting and ready ones count towards the pool's size once they are retired from it.
 */
export type MemberStage = "starting" | "ready" | "draining" | "killing";

/** Why we killed it, or made it end; null: it died by itself. */
export type EndReason =
  | "time-limit"
  | "cancelled"
  | "shutdown"
  | "fenced"
  | "drained"
  | "blocked"
  | "recycle"
  | "shrink"
  | "memory"
  | "silent"
  | null;

/** Why a runner is gone. */
export interface Death {
  readonly cause: DeathCause;
  /** For people, as in "signal SIGKILL: the system was out of memory". */
  readonly how: string;
}

export interface Member {
  readonly epoch: Epoch;
  readonly runner: Runner;
  readonly spawnedAt: number;
  /** In quarantine: beside the pool's own runners, for one message, and nobody takes its place. */
  readonly alone: boolean;
  stage: MemberStage;
  /** A spare may take its place already, while it finishes what it has. */
  retired: boolean;
  wasReady: boolean;
  endReason: EndReason;
  /** Why we ended it, where that is charged as a death of its own. */
  death: Death | null;
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
  readonly death: Death;
}

export function newMember(runner: Runner, spawnedAt: number, alone = false): Member {
  return {
    epoch: runner.epoch,
    runner,
    spawnedAt,
    alone,
    stage: "starting",
    retired: false,
    wasReady: false,
    endReason: null,
    death: null,
    verdicts: new Map(),
    held: 0,
    failure: null,
  };
}
