/** One task as its events tell it, and how events that come out of order are merged: Celery's rules (celery 5.6 events/state.py Task). Pure. */
import type { ReceivedEvent } from "./receiver.ts";

/** What was not heard of is null. Times are seconds since 1970. */
export interface TaskRecord {
  readonly uuid: string;
  /** PENDING, RECEIVED, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, REJECTED, or one of the sender's own. */
  state: string;
  name: string | null;
  /** When it was: */
  sent: number | null;
  received: number | null;
  started: number | null;
  succeeded: number | null;
  failed: number | null;
  retried: number | null;
  revoked: number | null;
  rejected: number | null;
  /** As text. */
  args: string | null;
  kwargs: string | null;
  eta: string | null;
  expires: string | null;
  retries: number | null;
  /** Node that had it last. */
  worker: string | null;
  /** Who sent it, where it said so. */
  client: string | null;
  result: string | null;
  exception: string | null;
  traceback: string | null;
  /** Seconds. */
  runtime: number | null;
  queue: string | null;
  exchange: string | null;
  routing_key: string | null;
  root_id: string | null;
  parent_id: string | null;
  /** Of the event that counts last. */
  timestamp: number;
  clock: number;
}

export const newTask = (uuid: string): TaskRecord => ({
  uuid,
  state: "PENDING",
  name: null,
  sent: null,
  received: null,
  started: null,
  succeeded: null,
  failed: null,
  retried: null,
  revoked: null,
  rejected: null,
  args: null,
  kwargs: null,
  eta: null,
  expires: null,
  retries: null,
  worker: null,
  client: null,
  result: null,
  exception: null,
  traceback: null,
  runtime: null,
  queue: null,
  exchange: null,
  routing_key: null,
  root_id: null,
  parent_id: null,
  timestamp: 0,
  clock: 0,
});

const stateOf = {
  sent: "PENDING",
  received: "RECEIVED",
  started: "STARTED",
  failed: "FAILURE",
  retried: "RETRY",
  succeeded: "SUCCESS",
  revoked: "REVOKED",
  rejected: "REJECTED",
} as const;
const isKnown = (subject: string): subject is keyof typeof stateOf => Object.hasOwn(stateOf, subject);

/** Celery's `states.PRECEDENCE`: what comes first counts most; states of the sender's own stand where null does. */
const precedence = ["SUCCESS", "FAILURE", null, "REVOKED", "STARTED", "RECEIVED", "REJECTED", "RETRY", "PENDING"] as const;
const ranks: ReadonlyMap<string | null, number> = new Map(precedence.map((state, rank) => [state, rank]));
const rankOf = (state: string): number => ranks.get(state) ?? (ranks.get(null) as number);

/** What a late `task-received` may still say. */
const ofReceived = ["name", "args", "kwargs", "parent_id", "root_id", "retries", "eta", "expires"] as const;
const ofOthers = [
  ...ofReceived,
  ...(["result", "exception", "traceback", "runtime", "queue", "exchange", "routing_key", "timestamp", "clock"] as const),
] as const;

export function mergeTask(task: TaskRecord, subject: string, event: ReceivedEvent): void {
  const { timestamp } = event;
  const state = isKnown(subject) ? stateOf[subject] : subject.toUpperCase();
  if (isKnown(subject)) task[subject] = timestamp;
  // An event of a state before the present one adds what it knows; a retry begins anew.
  const isLate = state !== "RETRY" && task.state !== "RETRY" && rankOf(state) > rankOf(task.state);
  const fields: Record<string, unknown> = {};
  for (const name of isLate && state === "RECEIVED" ? ofReceived : ofOthers) if (name in event) fields[name] = event[name];
  Object.assign(task, fields);
  if (!isLate) task.state = state;
}
