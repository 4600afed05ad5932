/** One node as its events tell it, and whether it is alive: Celery's rules (celery 5.6 events/state.py Worker). Pure. */
import type { ReceivedEvent } from "./receiver.ts";

export interface WorkerRecord {
  readonly hostname: string;
  pid: number | null;
  /** Seconds between its heartbeats. */
  freq: number;
  clock: number;
  active: number | null;
  processed: number | null;
  loadavg: readonly number[] | null;
  sw_ident: string | null;
  sw_ver: string | null;
  sw_sys: string | null;
  /** When it was heard of last, seconds since 1970; null: it went offline, or was not heard of at all. */
  heardAt: number | null;
}

/** Seconds, until a node says it. */
const unknownFreq = 60;
/** Heartbeats that may be missed. */
const expireWindow = 2;

export const newWorker = (hostname: string): WorkerRecord => ({
  hostname,
  pid: null,
  freq: unknownFreq,
  clock: 0,
  active: null,
  processed: null,
  loadavg: null,
  sw_ident: null,
  sw_ver: null,
  sw_sys: null,
  heardAt: null,
});

const told = ["pid", "freq", "clock", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"] as const;

export function updateWorker(worker: WorkerRecord, subject: string, event: ReceivedEvent): void {
  const fields: Record<string, unknown> = {};
  for (const name of told) if (name in event) fields[name] = event[name];
  Object.assign(worker, fields);
  if (subject === "offline") worker.heardAt = null;
  else heard(worker, event.local_received);
}

export function heard(worker: WorkerRecord, at: number): void {
  worker.heardAt = Math.max(worker.heardAt ?? at, at);
}

export const isAlive = ({ heardAt, freq }: Readonly<WorkerRecord>, nowSeconds: number): boolean =>
  heardAt !== null && nowSeconds < heardAt + freq * expireWindow;
