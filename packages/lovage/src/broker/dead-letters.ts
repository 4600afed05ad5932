/** Messages that were given up, with their reason and their original bytes. Written by commits only. */
import type { DeadReason, DeliveryId } from "../message/commit.ts";
import type { QueueName } from "../message/task-message.ts";

export interface DeadLetter {
  readonly delivery: DeliveryId;
  readonly queue: QueueName;
  readonly bucket: number;
  readonly reason: DeadReason;
  readonly detail: string;
  /** Milliseconds since 1970, the store's clock. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface DeadLetters {
  count(): Promise<number>;
  /** Newest first. */
  list(limit: number): Promise<readonly DeadLetter[]>;
}
