/**
 * Celery's own mailboxes, where Python nodes and callers are to hear and to be heard (celery-wire.md §10): a fanout channel for requests,
 * one list per caller for replies. A store that Python does not use leaves this seam out; control then runs on the bus.
 */
export interface Pidbox {
  /** Envelopes broadcast to `/<db>.celery.pidbox`. Goes on by itself after a lost connection; ends when `signal` aborts. */
  requests(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** How many heard it; each of them answers at most once. */
  broadcast(request: string): Promise<number>;
  /** Pushes to `<oid>.reply.celery.pidbox`, only while the caller's binding stands; else the reply is dropped. */
  reply(oid: string, reply: string): Promise<void>;
  /** Resolves when the binding stands. Removes binding and list when `signal` aborts. */
  replies(oid: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}
