/**
 * The checks between a delivery and its run: readable, not expired, known here, due. Pure; what it turns away becomes an
 * ordinary commit, so that chords, errbacks and callers hear of it. Expiry is looked at once more when a slot is free, since
 * a message may wait. Whether it was revoked is the intake's to ask, as the store may have to say so.
 */
import { isLovageError } from "../../kernel/errors.ts";
import type { Settle } from "../../message/commit.ts";
import { decodeTaskMessage, peekHeaders } from "../../message/decode.ts";
import { markRedelivered } from "../../message/mark-redelivered.ts";
import { newTaskMessage } from "../../message/new-task-message.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { parseWireTime } from "../../message/wire-time.ts";
import type { Registry } from "../../task/registry.ts";
import { notRegistered, undecodable } from "../../upkeep/ended-outcomes.ts";
import { unknownTaskDelayMs } from "./unknown-tasks.ts";

export interface GateFacts {
  readonly registry: Registry;
  /** The store's wall clock, milliseconds. */
  readonly storeNow: number;
}

export type GateVerdict =
  | { readonly kind: "run"; readonly message: TaskMessage }
  /** It ends here: commit what follows from this outcome; `settle` in place of the outcome's own. */
  | { readonly kind: "end"; readonly message: TaskMessage; readonly outcome: Outcome; readonly settle?: Settle }
  /** Nothing but this: it was put off, or cannot even be reported. */
  | { readonly kind: "settle"; readonly message: TaskMessage | null; readonly settle: Settle };

export function gate(bytes: Uint8Array, facts: GateFacts): GateVerdict {
  let message: TaskMessage;
  try {
    message = decodeTaskMessage(bytes);
  } catch (error) {
    return unreadable(bytes, error);
  }
  if (isExpired(message, facts.storeNow)) return { kind: "end", message, outcome: expired };
  if (facts.registry.get(message.task) === undefined) return unknownTask(message, bytes, facts.storeNow);
  if (message.eta !== null) {
    // One that expires before it is due is looked at when it does: its caller hears of it then.
    const untilMs = Math.min(
      parseWireTime(message.eta),
      message.expires === null ? Number.POSITIVE_INFINITY : parseWireTime(message.expires),
    );
    if (untilMs > facts.storeNow)
      return { kind: "settle", message, settle: { kind: "park", untilMs, why: message.retries > 0 ? "retry" : "eta" } };
  }
  return { kind: "run", message };
}

export const expired: Outcome = { kind: "revoked", reason: "expired" };
export const revoked: Outcome = { kind: "revoked", reason: "revoked" };

export const isExpired = ({ expires }: TaskMessage, storeNow: number): boolean => expires !== null && parseWireTime(expires) <= storeNow;

/** Where at least its id can be read, its caller gets a FAILURE; the bytes are kept in any case. */
function unreadable(bytes: Uint8Array, error: unknown): GateVerdict {
  const code = isLovageError(error) ? error.code : "LOVAGE_MESSAGE_INVALID";
  const detail = `${code}: ${error instanceof Error ? error.message : String(error)}`;
  const settle: Settle = { kind: "dead-letter", reason: "undecodable", detail };
  const peeked = peekHeaders(bytes);
  if (!peeked?.id) return { kind: "settle", message: null, settle };
  const { id, rootId, parentId, groupId } = peeked;
  const message = newTaskMessage({ id, task: peeked.task ?? "unknown", rootId: rootId ?? id, parentId, groupId });
  return { kind: "end", message, outcome: undecodable(error), settle };
}

function unknownTask(message: TaskMessage, bytes: Uint8Array, storeNow: number): GateVerdict {
  const { unknown } = message.lovage;
  const times = typeof unknown === "number" && unknown > 0 ? unknown : 0;
  const delayMs = unknownTaskDelayMs(times);
  if (delayMs === null) {
    const settle: Settle = { kind: "dead-letter", reason: "unknown-task", detail: `no worker knew "${message.task}" in ${times} looks` };
    return { kind: "end", message, outcome: notRegistered(message.task), settle };
  }
  const marked = markRedelivered(bytes, { unknown: times + 1 });
  return { kind: "settle", message, settle: { kind: "park", untilMs: storeNow + delayMs, why: "unknown-task", bytes: marked } };
}
