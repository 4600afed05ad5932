/** How one run of a task ended, as data. `execution/` makes it; `execution/continuation.ts` turns it into a `Commit`. */
import type { Publication } from "./commit.ts";
import type { Signature, TaskId } from "./task-message.ts";

/** An exception as Celery stores it (celery-wire.md §5.3). */
export interface ExceptionRecord {
  readonly exc_type: string;
  readonly exc_message: readonly unknown[] | unknown;
  readonly exc_module: string | null;
}

/** `[[id, parent], null]` or `[[groupId, parent], [children…]]` (celery-wire.md §5.5). */
export type ResultTuple = readonly [readonly [string, ResultTuple | null], readonly ResultTuple[] | null];

export type Outcome =
  | {
      readonly kind: "success";
      readonly value: unknown;
      readonly children: readonly ResultTuple[];
      /** `run.sendOnSuccess()`: published in the same step as the result. */
      readonly sends?: Publication;
      /** Members that it added to its chord; their messages are among `sends`. */
      readonly addsToChord?: number;
    }
  | {
      readonly kind: "failure";
      readonly error: ExceptionRecord;
      readonly traceback: string | null;
      readonly children: readonly ResultTuple[];
      readonly cause: FailureCause;
    }
  | {
      readonly kind: "retry";
      readonly error: ExceptionRecord;
      readonly traceback: string | null;
      readonly children: readonly ResultTuple[];
      readonly retry: RetryPlan;
    }
  | { readonly kind: "revoked"; readonly reason: "revoked" | "expired" | "terminated" }
  /** `Ignore`: acknowledged, nothing stored. */
  | { readonly kind: "ignored" }
  /** `Reject`: to the back of its queue, or dropped and failed for `reason`. */
  | { readonly kind: "rejected"; readonly requeue: boolean; readonly reason?: string | null }
  /** `run.replace()`: `signature` takes over this task's id. */
  | { readonly kind: "replaced"; readonly signature: Signature };

/** Why a run failed: what its code threw, or what happened to it. Dead letters and metrics carry it. */
export type FailureCause =
  | "exception"
  | "retries-exhausted"
  | "soft-time-limit"
  | "time-limit"
  | "worker-lost"
  | "out-of-memory"
  | "not-registered"
  | "invalid-arguments"
  | "undecodable"
  | "unencodable-result"
  | "too-large";

export interface RetryPlan {
  /** Milliseconds from the commit until the next attempt. */
  readonly delayMs: number;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly priority?: number;
  /** Absolute ISO text. */
  readonly expires?: string;
}

export type TaskState = "PENDING" | "RECEIVED" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED" | (string & {});
export interface StoredResult {
  readonly taskId: TaskId;
  readonly state: TaskState;
  readonly result: unknown;
  readonly traceback: string | null;
  readonly children: readonly ResultTuple[] | null;
  readonly dateDone: string | null;
  readonly groupId: string | null;
  readonly parentId: string | null;
  /** The whole document, extended fields and stamps included. */
  readonly document: Readonly<Record<string, unknown>>;
}
