/** What an event is, and how one is made: Celery's fields in Celery's order (celery-wire.md §9.2). Pure. */
import type { LamportClock } from "../kernel/lamport-clock.ts";

/** As it stands on the wire; times are seconds since 1970. */
export interface CeleryEvent {
  /** `task-received`, `worker-heartbeat`, …: the group, a dash, the subject. */
  readonly type: string;
  /** The node that sent it, or `gen<pid>@<host>` for a client. */
  readonly hostname: string;
  readonly timestamp: number;
  /** Hours, positive west of Greenwich. */
  readonly utcoffset?: number;
  readonly pid?: number;
  /** Lamport clock of the sender. */
  readonly clock?: number | null;
  readonly [field: string]: unknown;
}

/** Who sends. */
export interface EventOrigin {
  readonly hostname: string;
  readonly pid: number;
  readonly clock: LamportClock;
}

export type EventFields = Readonly<Record<string, unknown>>;

/** `nowMs`: milliseconds since 1970. */
export function newEvent(
  { hostname, pid, clock }: EventOrigin,
  type: string,
  fields: EventFields,
  nowMs: number = Date.now(),
): CeleryEvent {
  return { hostname, utcoffset: utcOffset(nowMs), pid, clock: clock.forward(), ...fields, timestamp: nowMs / 1000, type };
}

let offset = { until: 0, hours: 0 };

/** As Python counts it: C's `timezone`, in whole hours. It changes with the season, and costs more to ask than an event to make. */
export function utcOffset(nowMs: number = Date.now()): number {
  if (nowMs >= offset.until || nowMs < offset.until - 60_000)
    offset = { until: nowMs + 60_000, hours: Math.floor(new Date(nowMs).getTimezoneOffset() / 60) };
  return offset.hours;
}

/** Events travel under their type with dots for dashes; those of a batch under this. */
export const routingKeyOf = (type: string): string => type.replaceAll("-", ".");
export const taskBatchKey = "task.multi";
