import type { Bus, BusMessage, Channel } from "../../broker/bus.ts";
import { Listener } from "../notifier.ts";
import type { Subscriber, Wire } from "./wire.ts";
import { bytesOf } from "./world.ts";

/** A subscriber that does not read loses the oldest messages beyond this many: a publisher never waits for it. */
const largestBacklog = 10_000;

export class MemoryBus implements Bus {
  readonly #wire: Wire;
  readonly #closing: AbortSignal;

  constructor(wire: Wire, closing: AbortSignal) {
    this.#wire = wire;
    this.#closing = closing;
  }

  async publish(channel: Channel, data: Uint8Array | string): Promise<void> {
    for (const subscriber of this.#wire.subscribers) {
      if (!subscriber.channels.some((pattern) => matches(pattern, channel))) continue;
      subscriber.backlog.push({ channel, data: bytesOf(data) });
      if (subscriber.backlog.length > largestBacklog) subscriber.backlog.shift();
      subscriber.bell.ring();
    }
  }

  async *subscribe(channels: readonly Channel[], signal: AbortSignal): AsyncGenerator<BusMessage> {
    const isOver = () => signal.aborted || this.#closing.aborted;
    const subscriber: Subscriber = { channels, backlog: [], bell: new Listener(() => this.#wire.subscribers.delete(subscriber)) };
    this.#wire.subscribers.add(subscriber);
    try {
      while (!isOver()) {
        for (let message = subscriber.backlog.shift(); message; message = subscriber.backlog.shift()) {
          yield message;
          if (isOver()) return;
        }
        await subscriber.bell.rung(signal);
      }
    } finally {
      subscriber.bell.close();
    }
  }
}

const matches = (pattern: Channel, channel: Channel): boolean =>
  pattern.endsWith("*") ? channel.startsWith(pattern.slice(0, -1)) : pattern === channel;
