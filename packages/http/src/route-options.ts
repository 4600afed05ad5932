/** What a pipeline's routes are served with, beside the service itself. */
import type { Logger } from "lovage";
import type { BrowserOptions } from "./access/browser-rules.ts";
import type { AddressOptions } from "./access/client-address.ts";
import type { GateOptions } from "./access/gate.ts";
import type { RateOptions } from "./access/rate-limits.ts";
import type { EventSocketOptions } from "./event-socket.ts";

export interface RouteOptions extends GateOptions, BrowserOptions, AddressOptions {
  /** Where uploads go, below the path that the routes are mounted at. @defaultValue "/upload" */
  readonly uploadPath?: string;
  /** What stands before the routes' paths in the URLs of answers, where a proxy takes it off. Default: as the request says. */
  readonly basePath?: string;
  /** Heartbeats of WebSockets, and how long events wait for a client. */
  readonly events?: EventSocketOptions;
  /** Requests per client address and per key. Default: unlimited. */
  readonly rate?: RateOptions;
  /** The audit log: uploads, downloads, cancels, deletes and refusals, without file names. Default: none. */
  readonly log?: Logger;
  /** Faults that a client is only told about as 5xx. */
  readonly onError?: (error: unknown, correlationId: string) => void;
  /** Aborts when the server wants to end: event streams and waiting requests are answered then. */
  readonly closing?: AbortSignal;
}
