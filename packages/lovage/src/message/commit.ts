/**
 * What a runner hands to the store: the whole effect of one outcome as one value, applied in one step or not at all
 * (design.md §2, Commit). Also what it gets from the store: deliveries.
 */
import type { QueueName, TaskId } from "./task-message.ts";

/** One life of one runner. Random, opened once, closed for good. */
export type Epoch = string;
/** A delivery is never the task id: retry and replace re-use that. `number` grows by one per delivery of the epoch. */
export interface DeliveryId {
  readonly epoch: Epoch;
  readonly number: number;
}

export interface Delivery {
  readonly id: DeliveryId;
  readonly queue: QueueName;
  /** The priority bucket it came from, 0 = most urgent. It goes back there. */
  readonly bucket: number;
  /** The envelope, untouched. */
  readonly bytes: Uint8Array;
  /** True once `mark` said that it is acknowledged early: then it is never given back, only ended. */
  readonly ackedEarly: boolean;
}

/** A message to publish. */
export interface Outgoing {
  readonly taskId: TaskId;
  readonly queue: QueueName;
  /** As in `properties.priority`; the store picks the bucket. */
  readonly priority: number;
  /** The envelope as JSON text in UTF-8. */
  readonly bytes: Uint8Array | string;
  /** Milliseconds from now, by the store's clock: until then it is parked. Absent or ≤ 0: to the queue. */
  readonly parkMs?: number;
  /** Only for `Limits.publishUnique` and `DeadLetters.replay`: this task takes the key, unless another has it. `forMs`: no longer than so. */
  readonly unique?: { readonly key: string; readonly forMs: number | null };
}

/** A key that one task at a time has, from its send until it is given back. Giving back what another task has changes nothing. */
export interface UniqueHold {
  readonly key: string;
  readonly taskId: TaskId;
}

export type Settle =
  | { readonly kind: "ack" }
  /** Back to its queue; `bytes` replaces the envelope (redelivery marks). front = next one out. */
  | { readonly kind: "requeue"; readonly where: "front" | "back"; readonly bytes?: Uint8Array | string }
  /** Out of the way until due, then to the front of its own priority. `untilMs`: absolute, the store's clock. */
  | { readonly kind: "park"; readonly untilMs: number; readonly why: ParkReason; readonly bytes?: Uint8Array | string }
  | {
      readonly kind: "dead-letter";
      readonly reason: DeadReason;
      readonly detail: string;
      readonly cause?: DeathCause;
      /** Runs that it had. */
      readonly attempts?: number;
    };

export type ParkReason = "eta" | "retry" | "rate" | "concurrency" | "unknown-task";
export type DeadReason = "poison" | "lost" | "undecodable" | "unknown-task" | "retries-exhausted" | "failed" | "refused";

/**
 * What ended a runner. "out-of-memory": the system killed it for want of memory. "heap-limit": its JavaScript heap was full.
 * "killed": SIGKILL by nobody that we know of. "exit": its own code ended it. "memory-limit", "time-limit", "cancelled",
 * "blocked" and "replaced" (recycled, fenced): we did. "stopped": a deploy. "neighbour": it went with another. "node-lost": with its machine.
 */
export type DeathCause =
  | "out-of-memory"
  | "heap-limit"
  | "memory-limit"
  | "segfault"
  | "abort"
  | "killed"
  | "signal"
  | "exit"
  | "time-limit"
  | "cancelled"
  | "blocked"
  | "replaced"
  | "stopped"
  | "neighbour"
  | "node-lost"
  | "unknown";

export interface ResultRecord {
  readonly taskId: TaskId;
  readonly state: string;
  /** The `celery-task-meta` document as JSON text. */
  readonly document: string;
  /** null: kept for ever. */
  readonly expiresMs: number | null;
  /** Where else it is told (`LovageProperties`). Stores may leave it. */
  readonly replyTo?: string | undefined;
}

/** A chord's size (`.s`), written no later than its last member is published; `taskset`: the saved group of a complex header. */
export interface ChordStart {
  readonly groupId: string;
  readonly size: number;
  readonly expiresMs: number | null;
  readonly taskset?: string;
}

/** What is published in one step: all of it or nothing. */
export interface Publication {
  readonly messages: readonly Outgoing[];
  readonly chords?: readonly ChordStart[];
}

/** One member's contribution to its chord (celery-wire.md §7.3). Identity is (index, task id). */
export interface ChordPart {
  readonly groupId: string;
  readonly index: number | null;
  readonly taskId: TaskId;
  /** `[1, "<task id>", "SUCCESS", <result>]`, as Python writes it. */
  readonly member: string;
  readonly expiresMs: number | null;
  /**
   * Set on the second try, after the store answered `parts-due`: this commit carries what follows from the full set.
   * "body": the keys `.j .t .s` are removed. "error": they are left to expire, as Celery does.
   */
  readonly completes?: "body" | "error";
  /** Members that this one adds to the chord; they are published with it. Counted with the part, so once (`.t`). */
  readonly adds?: number;
}

/** For exact metrics: one is added to this field when the commit is applied. */
export interface Counted {
  readonly task: string;
  readonly state: string;
  /** Milliseconds the run took, for the runtime histogram; absent: it never ran. */
  readonly runtimeMs?: number;
}

export interface Commit {
  readonly delivery: DeliveryId;
  readonly settle: Settle;
  readonly results: readonly ResultRecord[];
  readonly publish: readonly Outgoing[];
  readonly chords: readonly ChordStart[];
  readonly chordParts: readonly ChordPart[];
  readonly count?: Counted;
  /** Given back in the same step; only with a settlement that ends the task (ack, dead letter). */
  readonly frees?: UniqueHold;
  /** Appended in the same step to the log `transitions`, which keeps the last `keep`; absent: nobody asked for them. */
  readonly transition?: { readonly entry: string; readonly keep: number };
}

export type CommitReply =
  | { readonly kind: "applied" }
  /** The delivery is not ours (any more), or this very commit was applied before. Nothing was written. */
  | { readonly kind: "fenced" }
  /**
   * `groupId`'s set is complete but for this part. Nothing was written; commit again with what follows. `parts`: the others,
   * in join order; `position`: how many of them come before this commit's own.
   */
  | {
      readonly kind: "parts-due";
      readonly groupId: string;
      readonly parts: readonly string[];
      readonly position: number;
      readonly taskset: string | null;
    }
  /** `completes` was set but the set lacks more, or less, than this part. Nothing was written; commit again without it. */
  | { readonly kind: "not-due"; readonly groupId: string }
  /** The store will never take this (wrong type at a key, too large). Nothing was written. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** What a live delivery may write about itself before its end. */
export type Mark =
  /** Early ack: from here on the message is never run again. */
  | { readonly kind: "acked-early"; readonly number: number }
  /** STARTED or a custom state, fenced and never after an end state. */
  | { readonly kind: "state"; readonly number: number; readonly result: ResultRecord };
