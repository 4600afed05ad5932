/**
 * The seam of a queue: what a producer and a runner need of it. One adapter per server implements this and the seams
 * beside it (`Store`), so that a commit can be one step. A call that does not answer within its deadline ends in
 * `BrokerUnavailableError`; a call under a closed epoch in `FencedError` (`LOVAGE_EPOCH_CLOSED`).
 */
import type { Commit, CommitReply, Delivery, Epoch, Mark, Publication } from "../message/commit.ts";
import type { QueueName } from "../message/task-message.ts";
import type { QueueAdmin } from "./queue-admin.ts";

export type { Publication } from "../message/commit.ts";
export type { QueueAdmin } from "./queue-admin.ts";

export interface ReserveCall {
  readonly epoch: Epoch;
  /** Grows by one per new call. The same number again gives the same deliveries (those still in flight), never others. */
  readonly number: number;
  /** Round robin within one priority; the store rotates the order it is given by `number`. */
  readonly queues: readonly QueueName[];
  readonly count: number;
  /** The runner holds nothing: if this finds nothing either, the store may hand it the next message (`Broker.standBy`). */
  readonly standBy?: boolean;
  /** Begins at the least urgent priority, so that what waits there does not wait for ever. */
  readonly lowestFirst?: boolean;
}

/** What a runner on standby hears. */
export interface StandBy {
  /** It is in flight in the runner's name already. */
  handed(reserved: Reserved): void;
  /** Something may have been handed over unheard: compare with the store. */
  missed(): void;
}

export interface Reserved {
  readonly deliveries: readonly Delivery[];
  /** The store's wall clock, milliseconds since 1970: the only one that decides what is due. */
  readonly storeNow: number;
  /** Grows with every revoke; a runner whose copy is older fetches what is new before it starts anything of this batch. */
  readonly revokesVersion: number;
}

export interface Committed {
  /** One per commit, in order. */
  readonly replies: readonly CommitReply[];
  readonly reserved?: Reserved;
}

export interface CommitOptions {
  /** Reserve in the same round trip. It happens after the commits, and also when one of them is refused. */
  readonly reserveNext?: ReserveCall;
  /** The epoch is closed and the caller settles what it left behind (supervisor or reaper). */
  readonly onBehalf?: boolean;
}

export interface BrokerFeatures {
  /** Results, chord parts and messages are committed in one step. */
  readonly atomicResults: boolean;
  /** Several processes can share it. */
  readonly shared: boolean;
  /** What is published in one turn of the event loop leaves together by itself; each caller gets its own answer. */
  readonly joins?: boolean;
}

export interface OnceOptions {
  readonly deadlineMs: number;
  /** Ids of earlier calls that were answered and will not be tried again. */
  readonly forget: readonly string[];
}

export interface Broker {
  readonly features: BrokerFeatures;
  /** All or nothing, at most once per call: a retried call is recognised by the store. */
  publish(publication: Publication, options?: { readonly deadlineMs?: number }): Promise<void>;
  /**
   * Where the server can be away while this process lives: publishes at most once per `id`, also when it is tried again hours
   * after a call of unknown outcome. The store remembers the id for a week, or until it is named in `forget`.
   */
  publishOnce?(id: string, publication: Publication, options: OnceOptions): Promise<void>;
  reserve(call: ReserveCall): Promise<Reserved>;
  /**
   * Where the store can hand a message to a runner that waits for one, in the step that publishes it: one way to the runner less.
   * Until the function returned is called. A bell is needed all the same: not every message comes so.
   */
  standBy?(epoch: Epoch, listener: StandBy): () => void;
  /** All of one epoch. Each commit is applied whole or not at all; one that is refused does not touch its neighbours. */
  commit(epoch: Epoch, batch: readonly Commit[], options?: CommitOptions): Promise<Committed>;
  mark(epoch: Epoch, batch: readonly Mark[]): Promise<readonly ("ok" | "fenced")[]>;
  /** For people, not for the hot path. */
  readonly queues: QueueAdmin;
}
