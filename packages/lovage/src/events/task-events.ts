/** What is said of a task, from its message and its outcome (celery-wire.md §9.3). Pure. */
import type { ExceptionRecord, Outcome } from "../message/outcome.ts";
import { safeRepr } from "../message/repr.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { EventFields } from "./event.ts";

export interface TaskEvent {
  readonly type: string;
  readonly fields: EventFields;
}

export interface EndedTask {
  readonly message: TaskMessage;
  readonly outcome: Outcome;
  /** Milliseconds; absent: it never ran. */
  readonly runtimeMs?: number | undefined;
}

export const receivedEvent = (message: TaskMessage): TaskEvent => ({
  type: "task-received",
  fields: {
    uuid: message.id,
    name: message.shadow ?? message.task,
    args: message.argsrepr,
    kwargs: message.kwargsrepr,
    root_id: message.rootId,
    parent_id: message.parentId,
    retries: message.retries,
    eta: message.eta,
    expires: message.expires,
  },
});

export const startedEvent = (message: TaskMessage): TaskEvent => ({ type: "task-started", fields: { uuid: message.id } });

/** `exchange` is the anonymous one: publishing is to queues. */
export const sentEvent = (message: TaskMessage): TaskEvent => ({
  type: "task-sent",
  fields: {
    uuid: message.id,
    root_id: message.rootId,
    parent_id: message.parentId,
    name: message.task,
    args: message.argsrepr,
    kwargs: message.kwargsrepr,
    retries: message.retries,
    eta: message.eta,
    expires: message.expires,
    queue: message.routingKey,
    exchange: message.exchange,
    routing_key: message.routingKey,
  },
});

/** What its end says: nothing where Celery says nothing (`Ignore`, `replace`). */
export function endedEvents({ message: { id: uuid }, outcome, runtimeMs }: EndedTask): readonly TaskEvent[] {
  switch (outcome.kind) {
    case "success":
      return [{ type: "task-succeeded", fields: { uuid, result: safeRepr(outcome.value), runtime: (runtimeMs ?? 0) / 1000 } }];
    case "failure":
      return [{ type: "task-failed", fields: { uuid, ...failed(outcome) } }];
    case "retry":
      return [{ type: "task-retried", fields: { uuid, ...failed(outcome) } }];
    case "revoked":
      return [{ type: "task-revoked", fields: { uuid, ...refused(outcome.reason) } }];
    case "rejected":
      return [{ type: "task-rejected", fields: { uuid, requeue: outcome.requeue } }];
    case "ignored":
    case "replaced":
      return [];
  }
}

const failed = ({ error, traceback }: { readonly error: ExceptionRecord; readonly traceback: string | null }): EventFields => ({
  exception: exceptionRepr(error),
  traceback: traceback ?? "",
});

/** Celery's default for what it stops. */
const sigterm = 15;

const refused = (reason: "revoked" | "expired" | "terminated"): EventFields => ({
  terminated: reason === "terminated",
  signum: reason === "terminated" ? sigterm : null,
  expired: reason === "expired",
});

/** Python's `repr` of an exception: `ValueError('boom', 42)`. */
export function exceptionRepr({ exc_type, exc_message }: ExceptionRecord): string {
  const args = Array.isArray(exc_message) ? exc_message : [exc_message];
  return `${exc_type}(${args.map((arg) => safeRepr(arg)).join(", ")})`;
}
