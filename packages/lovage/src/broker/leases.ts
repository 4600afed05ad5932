/**
 * The seam of ownership: who holds what, who is alive, and how work comes back. Used by supervisors and by upkeep, never
 * by user code. There are no expiring leases: a runner's deliveries are its own until its epoch is closed, and a node is
 * dead when its counter stands still for those who watch it (design.md §3, Presence).
 */
import type { Delivery, Epoch } from "../message/commit.ts";
import type { QueueName } from "../message/task-message.ts";
import type { EventWord } from "./event-exchange.ts";

/** Unique per start of a node: its name and a random part. */
export type NodeId = string;

export interface NodeInfo {
  readonly id: NodeId;
  /** As Python sees it: `celery@host` or what `-n` says. */
  readonly name: string;
  readonly host: string;
  /** Changes when the machine restarts; with `pid` it tells a dead supervisor on one's own machine at once. */
  readonly bootId: string;
  readonly pid: number;
  /** Start time of the process as the system counts it, so that a re-used pid is not taken for it; null where unknown. */
  readonly processStart: string | null;
  readonly pool: string;
  readonly slots: number;
  readonly queues: readonly QueueName[];
  readonly tasks: readonly string[];
  readonly startedAt: number;
  /** Runners by epoch, with their pids (a thread's is its process's). */
  readonly runners: readonly { readonly epoch: Epoch; readonly pid: number | null }[];
}

export interface NodePulse {
  readonly info: NodeInfo;
  /** Only ever compared for equality with an earlier look. */
  readonly count: number;
}

export interface Fleet {
  readonly nodes: readonly NodePulse[];
  /** Closed epochs that still hold deliveries: whoever sees one settles them. */
  readonly orphans: readonly Epoch[];
}

export interface Beat extends Fleet {
  /** How many heard each word, in order. */
  readonly heard?: readonly number[];
}

export interface Reassigned {
  readonly number: number;
  /** In place of its envelope: marks. */
  readonly bytes?: Uint8Array | string;
}

export interface Leases {
  /** Announces the node, or replaces its announcement. @throws {FencedError} when it was closed. */
  announce(node: NodeInfo): Promise<void>;
  /** Opens an epoch of a live node. */
  open(node: NodeId, epoch: Epoch): Promise<void>;
  /**
   * Raises one's own counter, and returns the fleet as it stands. `words`: events that go out in the same call, where the store
   * has channels for them (`Store.events`).
   * @throws {FencedError} when the node was closed: nothing was said.
   */
  beat(node: NodeId, words?: readonly EventWord[]): Promise<Beat>;
  /** The fleet, without a pulse of one's own (for `status`, `serve`, `beat`). */
  fleet(): Promise<Fleet>;
  /** What the store holds for an epoch, oldest first. Open or closed. */
  held(epoch: Epoch): Promise<readonly Delivery[]>;
  /** Closes an epoch for good and returns what it held. The caller settles that with `commit(…, { onBehalf: true })`. */
  close(epoch: Epoch): Promise<readonly Delivery[]>;
  /**
   * Closes a node with all its epochs and takes it off the list, if its counter still is `count` (absent: in any case).
   * Returns the epochs it closed, or null when the counter had moved.
   */
  closeNode(node: NodeId, count?: number): Promise<readonly Epoch[] | null>;
  /**
   * Moves deliveries, in this order, from one epoch to another that is open; nothing of them is settled. What `from` does not
   * hold is passed over, so the call may be repeated. @throws {FencedError} LOVAGE_EPOCH_CLOSED when `to` is not open.
   */
  reassign(from: Epoch, to: Epoch, moves: readonly Reassigned[]): Promise<void>;
  /** Moves parked messages that are due to the front of their queues; says when the next is due (store's clock, ms). */
  promote(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs: number | null; readonly storeNow: number }>;
  /**
   * Yields when something may have arrived in one of the queues (whoever pushed it); also once at the start. Removes
   * nothing, costs ≤ 1 command/s while nothing happens. Ends when `signal` aborts; goes on by itself after a lost connection.
   */
  wake(queues: readonly QueueName[], signal: AbortSignal): AsyncIterable<void>;
  /** Whether the store holds nothing for an epoch: cheaper than `held`. Where it is absent, records cannot be removed by hand. */
  holdsNothing?(epoch: Epoch): Promise<boolean>;
  /**
   * Puts deliveries that run back in flight, whose records somebody removed by hand; returns the numbers of those that are. Only
   * where that can happen.
   */
  restore?(epoch: Epoch, deliveries: readonly Delivery[]): Promise<readonly number[]>;
  /**
   * Puts together what was torn apart: two keys that say one thing, of which somebody removed one. Returns how many messages have
   * a way on again. `thorough`: also looks at every key, which takes its time. Only where that can happen.
   */
  mend?(options?: { readonly thorough?: boolean }): Promise<number>;
}
