/**
 * The seam of queues as people see them: how deep, what stands where, out of here and into there. Nothing of it is on the way of a
 * task. What is moved or removed is meant by its bytes, so that undecodable messages can be too.
 */
import type { Epoch, ParkReason } from "../message/commit.ts";
import type { QueueName } from "../message/task-message.ts";

/** A message where it stands. `running`: in flight, in a runner. */
export interface Standing {
  readonly place: "waiting" | "parked" | "running";
  readonly queue: QueueName;
  /** The priority bucket it waits in, or goes back to. */
  readonly bucket: number;
  readonly bytes: Uint8Array;
  /** Of a parked one. `dueMs`: by the store's clock; of one that waits for a place at a limit it is when it expires, null: never. */
  readonly parked?: { readonly id: string; readonly why: ParkReason; readonly dueMs: number | null };
  /** Of a running one. */
  readonly held?: { readonly epoch: Epoch; readonly number: number };
}

/** A waiting message as a page shows it. */
export interface Waiting extends Standing {
  readonly place: "waiting";
  /** How many go before it, more urgent ones too. */
  readonly at: number;
}

/** Of what a Python worker has taken and not acknowledged. */
export interface TakenByPython {
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970; null: nobody wrote it down, and nobody will give it back. */
  readonly sinceMs: number | null;
}

export interface QueueCounts {
  /** By bucket, the most urgent first; those that hold nothing are 0. */
  readonly waiting: readonly { readonly bucket: number; readonly count: number }[];
  readonly parked: number;
  readonly running: number;
}

/** Takes a message away from where it stands. */
export interface Removal {
  /** What `page` or `scan` showed. One that is in flight is nobody's to take. */
  readonly message: Standing;
  /** Absent: nowhere. It keeps its bucket, and a parked one its time. */
  readonly to?: { readonly queue: QueueName; readonly bytes: Uint8Array | string };
}

/** Of what an exchange feeds: kombu's bindings, or a queue's own default. */
export interface Binding {
  readonly exchange: string;
  readonly queue: QueueName;
  readonly routingKey: string;
}

export interface NewBinding extends Binding {
  /** "direct", "topic" or "fanout". */
  readonly exchangeType: string;
}

export interface QueueAdmin {
  /** Messages waiting, all priorities together. */
  depth(queues: readonly QueueName[]): Promise<readonly number[]>;
  /** The next `limit` messages out, in order. Removes nothing. */
  peek(queue: QueueName, limit: number): Promise<readonly Uint8Array[]>;
  /** The same behind the first `from`, and where each stands. */
  page(queue: QueueName, from: number, limit: number): Promise<readonly Waiting[]>;
  counts(queues: readonly QueueName[]): Promise<readonly QueueCounts[]>;
  /** Removes what waits (parked messages of the queue too) and says how many they were. */
  purge(queues: readonly QueueName[]): Promise<number>;
  /**
   * Moves messages to the back of other queues, in this order, or removes them: each in one step, whoever is killed meanwhile, and
   * once however often the call is made. Per message whether it was still there, near the place where it was seen. One that is
   * removed gives its unique key back. @throws {StoreRefusedError} when a key holds another type: then nothing was moved.
   */
  rearrange(removals: readonly Removal[]): Promise<readonly boolean[]>;
  /** Names of all queues that hold or have held messages. */
  names(): Promise<readonly QueueName[]>;
  bindings(): Promise<readonly Binding[]>;
  /** So that Python's publishers find the queue through the exchange. Only where they come to. */
  bind?(binding: NewBinding): Promise<void>;
  /** Parked messages that wait for their time only, the next ones first. */
  due(limit: number): Promise<readonly Standing[]>;
  /** All messages of all queues, page by page. One that moves meanwhile may be met twice, or not at all. */
  scan(): AsyncIterable<readonly Standing[]>;
  /** Only where Python's workers take from the same queues. */
  takenByPython?(): AsyncIterable<readonly TakenByPython[]>;
}

/** Not for a place at a limit. */
export const waitsForItsTime = ({ parked }: Standing): boolean =>
  parked !== undefined && parked.dueMs !== null && parked.why !== "rate" && parked.why !== "concurrency";

/** How much further back than where it was seen a message is looked for: others may have been put before it. */
export const lookBehind = 1000;
