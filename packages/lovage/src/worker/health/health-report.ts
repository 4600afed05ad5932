/** What a node says of itself to whoever probes it, over HTTP or in a file. JSON; codes stay the same between releases. */

/** Why a node takes no work. */
export type HealthCode =
  /** No runner has been ready yet, or none is now. */
  | "no-runner"
  /** Remote control has cancelled all of its queues. */
  | "no-queue"
  /** Its process does not answer: stopped, or stuck in the kernel. */
  | "runner-silent"
  /** Code of a task keeps its loop from turning, while it has places free. */
  | "runner-blocked"
  /** It asked the store for messages and got no answer. */
  | "reserve-unanswered"
  /** A queue is not empty, a runner is idle, and nothing moves. */
  | "not-consuming"
  /** The store took no beat of this node's presence. */
  | "store-silent"
  /** It was asked to stop, or gave up. */
  | "draining";

export interface HealthCheck {
  readonly name: "runners" | "consuming" | "store" | "draining";
  readonly ok: boolean;
  /** null: it is well. */
  readonly code: HealthCode | null;
  /** Milliseconds since what this is judged by was seen. */
  readonly ageMs: number;
}

export interface HealthReport {
  readonly node: string;
  readonly pid: number;
  /** It takes work: not merely connected. */
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
  /** Of `total` runners so many take work, or are full. */
  readonly runners: { readonly total: number; readonly consuming: number };
}

/** Milliseconds between two writes of a health file, and the age from which nobody writes it any more. */
export const healthFileEveryMs = 2000;
export const healthFileStaleMs = 15_000;

/** A report with the moment it was written, milliseconds since 1970. */
export interface HealthFile extends HealthReport {
  readonly at: number;
}
