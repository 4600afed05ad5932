/** Broadcast: events, remote control, small announcements. May lose messages, never blocks a publisher. */
export type Channel = string;
export interface BusMessage {
  readonly channel: Channel;
  readonly data: Uint8Array;
}
export interface Bus {
  /** Answers when the store took it; nobody may be listening. */
  publish(channel: Channel, data: Uint8Array | string): Promise<void>;
  /** A name that ends in `*` is a prefix. What was published before the first `next()` settled may be missed. Goes on by itself after a lost connection. */
  subscribe(channels: readonly Channel[], signal: AbortSignal): AsyncIterable<BusMessage>;
}
