/**
 * The seam of the dead letters: messages that were given up, with their reason and their original bytes. Commits put them
 * there; people list, replay and discard them. A message is in its queue, in flight or here, never in two of them: the move
 * here is a commit, the move back is one step too.
 */
import type { DeadReason, DeathCause, DeliveryId, Outgoing } from "../message/commit.ts";
import type { QueueName, TaskId } from "../message/task-message.ts";

/** The milliseconds of its time, a dash, and what tells it from others of that time. Stable; ids sort as the letters do. */
export type DeadLetterId = string;

export interface DeadLetter {
  readonly id: DeadLetterId;
  readonly delivery: DeliveryId;
  readonly queue: QueueName;
  readonly bucket: number;
  readonly reason: DeadReason;
  /** For people: what happened, as "TypeError: no such photo". */
  readonly detail: string;
  /** What ended its last run; absent where no run did. */
  readonly cause?: DeathCause;
  /** Runs that it had; absent where nobody counted. */
  readonly attempts?: number;
  /** Milliseconds since 1970, the store's clock. */
  readonly at: number;
  /** The envelope as it was last in flight. */
  readonly bytes: Uint8Array;
}

/** All that is given has to fit. */
export interface DeadLetterFilter {
  readonly queue?: QueueName;
  /** Name of the task. */
  readonly task?: string;
  readonly taskId?: TaskId;
  readonly reason?: DeadReason;
  /** Milliseconds since 1970: died before, at or after. */
  readonly before?: number;
  readonly since?: number;
}

export interface DeadLetterQuery {
  readonly filter?: DeadLetterFilter;
  /** Go on behind this one, whether or not it is still there. */
  readonly after?: DeadLetterId;
}

export interface DeadLetterCount {
  readonly queue: QueueName;
  readonly reason: DeadReason;
  readonly count: number;
}

export interface Replay {
  readonly id: DeadLetterId;
  /** What goes to the back of a queue in its place. With `unique` its task takes that key, unless another has it. */
  readonly message: Outgoing;
  /** Its task, where it can be read: an end that is no SUCCESS is taken away, and its part of a chord that is still open. */
  readonly ended?: { readonly taskId: TaskId; readonly chord?: { readonly groupId: string; readonly index: number | null } };
}

export interface DeadLetters {
  count(): Promise<number>;
  /** How many there are of each queue and reason; what there is none of is left out. */
  counts(): Promise<readonly DeadLetterCount[]>;
  get(id: DeadLetterId): Promise<DeadLetter | undefined>;
  /** Newest first. */
  list(limit: number, query?: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  /**
   * Out of the dead letters and into a queue, in one step, once however often the call is made.
   * @returns whether it was there; or which task has its unique key: then nothing was changed. @throws {StoreRefusedError} when the store does not take the message.
   */
  replay(replay: Replay): Promise<boolean | { readonly heldBy: TaskId }>;
  /** @returns how many of them were there. */
  discard(ids: readonly DeadLetterId[]): Promise<number>;
  /** Puts letters of an export back among the dead, with their times and under new ids. */
  add(letters: readonly Omit<DeadLetter, "id">[]): Promise<void>;
  /** Removes the oldest beyond `most`, and those that died so long ago (milliseconds of the store's clock); counts them as `dead-letters|DROPPED`. */
  trim(limits: { readonly most: number | null; readonly olderThanMs: number | null }): Promise<number>;
}
