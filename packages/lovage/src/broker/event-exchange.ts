/**
 * Celery's own event channels, where Python's nodes and monitors are to hear and to be heard (celery-wire.md §9.1). May lose
 * messages, never blocks a publisher. A store that Python does not use leaves this seam out; events then run on the bus.
 */
export interface EventExchange {
  /**
   * How many heard it, as far as the server knows. `withCommits`: on the runner's own connection, where it leaves in one packet
   * with a commit that is made in the same turn.
   */
  publish(word: EventWord, how?: { readonly withCommits?: boolean }): Promise<number>;
  /**
   * Envelopes of all events, or of those under one routing key. Goes on by itself after a lost connection; ends when `signal` aborts.
   * Nothing that is published from `onListening` on is missed; it is called again when something may have been.
   */
  receive(signal: AbortSignal, options?: ReceiveOptions): AsyncIterable<Uint8Array>;
}

export interface EventWord {
  readonly routingKey: string;
  readonly envelope: string;
}

export interface ReceiveOptions {
  readonly routingKey?: string;
  onListening?(): void;
}
