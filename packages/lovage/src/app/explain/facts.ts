/** What can be known of one task at one moment: where its message stands, who could take it, and what stands in the way. Data only. */
import type { LimitState } from "../../broker/limits.ts";
import type { Pause } from "../../broker/pauses.ts";
import type { Revoke } from "../../broker/revokes.ts";
import type { ParkReason } from "../../message/commit.ts";
import type { QueueName, TaskId } from "../../message/task-message.ts";

/** A run somewhere. */
export interface SeenRun {
  readonly id: TaskId;
  readonly task: string;
  /** Milliseconds since 1970; null: it has not started, or nobody can say. */
  readonly sinceMs: number | null;
}

export interface SeenNode {
  readonly name: string;
  readonly kind: "lovage" | "celery";
  readonly queues: readonly QueueName[];
  /** Names that it knows; null: it did not say. */
  readonly tasks: readonly string[] | null;
  /** Tasks at a time; null: unknown. */
  readonly slots: number | null;
  /** null: it did not answer. */
  readonly active: readonly SeenRun[] | null;
}

interface Message {
  readonly queue: QueueName;
  /** Priority bucket, 0 = most urgent. */
  readonly bucket: number;
  readonly task: string | null;
  /** Milliseconds since 1970, as the message says it. */
  readonly etaMs: number | null;
  readonly expiresMs: number | null;
  readonly retries: number;
}

/** Who has the places of the limit that a task waits for. */
export interface SeenLimit extends Omit<LimitState, "held"> {
  readonly holders: readonly { readonly node: string | null; readonly id: TaskId | null; readonly task: string | null }[];
}

export type Found =
  | (Message & {
      readonly place: "waiting";
      /** How many go before it. */
      readonly before: number;
      /** Of these, how many are more urgent. */
      readonly urgent: number;
      readonly depth: number;
      /** Milliseconds until its turn, by what such tasks took so far; null: nobody can say. */
      readonly startsInMs: number | null;
    })
  | (Message & {
      readonly place: "parked";
      readonly why: ParkReason;
      readonly dueMs: number | null;
      readonly limit: SeenLimit | null;
    })
  /** In flight. `node` null: it belongs to none that is there. `run` null: the node did not answer, or has not started it. */
  | (Message & { readonly place: "running"; readonly node: string | null; readonly run: SeenRun | null })
  | (Message & { readonly place: "python"; readonly sinceMs: number | null; readonly node: string | null; readonly run: SeenRun | null });

export interface TaskFacts {
  readonly id: TaskId;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What is stored under its id. */
  readonly result: { readonly state: string; readonly doneMs: number | null; readonly says: string | null } | null;
  readonly found: readonly Found[];
  readonly deadLetter: {
    readonly id: string;
    readonly reason: string;
    readonly cause: string | null;
    readonly detail: string;
    readonly atMs: number;
    /** The task that has its unique key meanwhile. */
    readonly heldBy: TaskId | null;
  } | null;
  readonly revoke: Pick<Revoke, "by" | "value"> | null;
  /** It was not sent, because this task had the same unique key. */
  readonly leftOutFor: TaskId | null;
  readonly pauses: readonly Pause[];
  readonly nodes: readonly SeenNode[];
}
