/** What a node says of itself (celery-wire.md §9.3). Pure. */
import type { EventFields } from "./event.ts";

export interface Software {
  readonly sw_ident: string;
  readonly sw_ver: string;
  /** Python's `platform.system()`. */
  readonly sw_sys: string;
}

export interface NodeFigures {
  /** Runs that have control. */
  readonly active: number;
  /** Runs that have ended since the node was started. */
  readonly processed: number;
  readonly loadavg: readonly number[];
}

/** Seconds between two heartbeats; a node is taken for dead after twice that. */
export const heartbeatSeconds = 2;
/** Said by a heartbeat that was asked for. */
const askedSeconds = 5;

/** Of `worker-online`, `worker-heartbeat` and `worker-offline`. */
export const nodeFields = ({ active, processed, loadavg }: NodeFigures, software: Software): EventFields => ({
  freq: heartbeatSeconds,
  active,
  processed,
  loadavg: loadavg.map((load) => Math.round(load * 100) / 100),
  ...software,
});

/** Of the answer to the control command `heartbeat`. */
export const shortFields = (software: Software): EventFields => ({ freq: askedSeconds, ...software });

const systems: Readonly<Record<string, string>> = {
  linux: "Linux",
  darwin: "Darwin",
  win32: "Windows",
  freebsd: "FreeBSD",
  openbsd: "OpenBSD",
};

export const systemName = (platform: string): string => systems[platform] ?? platform;
