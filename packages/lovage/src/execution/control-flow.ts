/**
 * What Celery does by exceptions: retry, ignore, reject, replace. Thrown to leave the handler at once, told apart from
 * failures by a registered symbol (also across copies of this package), never logged as errors.
 */
import type { Duration } from "../kernel/durations.ts";
import type { Signature } from "../message/task-message.ts";

const brand = Symbol.for("lovage.control");

export interface RetryRequest {
  readonly kind: "retry";
  /** Milliseconds; absent: as the task's policy says. */
  readonly delayMs?: number;
  /** Why; it stands in the RETRY state, and is the failure when no retry is left. */
  readonly error?: unknown;
  /** Retries after the first attempt; null: without end. Absent: as the policy says. */
  readonly max?: number | null;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly priority?: number;
  readonly expires?: Duration;
}

export type Control =
  | RetryRequest
  | { readonly kind: "ignore" }
  | { readonly kind: "reject"; readonly requeue: boolean; readonly reason: string | null }
  | { readonly kind: "replace"; readonly signature: Signature };

export class ControlFlow extends Error {
  readonly [brand]: Control;

  constructor(control: Control) {
    super(`Control flow of a task (${control.kind}): let it pass, do not catch it.`);
    this.name = "ControlFlow";
    this[brand] = control;
  }
}

export function controlOf(thrown: unknown): Control | undefined {
  return typeof thrown === "object" && thrown !== null && brand in thrown ? (thrown as ControlFlow)[brand] : undefined;
}

/** `throw ignore()`: acknowledged, nothing stored, nothing follows. */
export const ignore = (): ControlFlow => new ControlFlow({ kind: "ignore" });

/**
 * `throw reject({ requeue: true })`: back to the end of its queue. Without `requeue` the message is dropped, and the task has
 * failed for `reason`.
 */
export const reject = (options: { readonly requeue?: boolean; readonly reason?: string } = {}): ControlFlow =>
  new ControlFlow({ kind: "reject", requeue: options.requeue ?? false, reason: options.reason ?? null });
