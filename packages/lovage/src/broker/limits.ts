/**
 * The seam of limits: who may start now. A runner asks for the deliveries whose tasks declare a limit, and for no others. What
 * finds no room is parked by the store in the same step, in the line of the limit that refused it, and called back in order as
 * soon as there is room: when a holder is settled, by whoever that is, or when the time comes. A delivery that was granted holds
 * its places until it is settled.
 */
import type { Epoch, Publication, UniqueHold } from "../message/commit.ts";
import type { TaskId } from "../message/task-message.ts";

/** Names what is limited; tasks that share a name share its room. */
export type LimitName = string;

/** One start per `intervalMs`, and after a pause `burst` at once. */
export interface RateDemand {
  readonly kind: "rate";
  readonly name: LimitName;
  readonly intervalMs: number;
  readonly burst: number;
}

export type Demand =
  /** At most `most` deliveries at a time. */
  { readonly kind: "slots"; readonly name: LimitName; readonly most: number } | RateDemand;

export interface Ask {
  /** Of a delivery of the epoch. */
  readonly number: number;
  readonly taskId: TaskId;
  /** All of them, or it is not granted. */
  readonly demands: readonly Demand[];
  /** By the store's clock, milliseconds: in a line it is called back then in any case, so that its caller hears that it expired. */
  readonly expiresMs?: number;
  /** Given back with the grant: unique only until it starts. */
  readonly frees?: UniqueHold;
}

export type Admission =
  | { readonly kind: "granted" }
  /** It left the runner and waits in a line. */
  | { readonly kind: "parked" }
  /** It is not (or no longer) ours; also the answer to a repeated call whose first reply said `parked`. */
  | { readonly kind: "fenced" }
  /** A key of the limit holds another type. The delivery is in flight as before. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** A limit, for people who ask why a task does not start. */
export interface LimitState {
  readonly allows: Demand;
  /** Deliveries that have a place. */
  readonly held: readonly { readonly epoch: Epoch; readonly number: number }[];
  /** How many stand before the task in line. */
  readonly before: number;
  /** When a rate lets the next one start, milliseconds of the store's clock; null: whoever has a place gives it back. */
  readonly nextMs: number | null;
}

export interface Limits {
  /** One answer per ask, in order. A repeated call grants nothing twice. @throws {FencedError} for a closed epoch. */
  admit(epoch: Epoch, asks: readonly Ask[]): Promise<readonly Admission[]>;
  /**
   * Publishes, but for messages whose unique key is held by another task: per message null, or the id of that task. One that
   * is refused by a revoke of its id (also as a root), and is in no runner, holds it no more. Messages without such a key go in any case. All that goes, goes in one step, at most once per call.
   */
  publishUnique(publication: Publication, options?: { readonly deadlineMs?: number }): Promise<readonly (TaskId | null)[]>;
  /**
   * It allows this from now on, also for those who stand in its line: they are served at the new rate, or at once where the rate is
   * null. Whoever asks for it with other words changes it again.
   */
  change(name: LimitName, rate: Pick<RateDemand, "intervalMs" | "burst"> | null): Promise<void>;
  /** Messages that wait in these limits' lines, `limit` of each at most, the next one first. */
  waiting(names: readonly LimitName[], limit: number): Promise<readonly Uint8Array[]>;
  /** The limit in whose line a task stands; undefined: in none. Not for the hot path: it looks at all there are. */
  lineOf(task: TaskId): Promise<LimitState | undefined>;
  /** Which task has a unique key. */
  holderOf(key: string): Promise<TaskId | undefined>;
}
