/** Broadcast over pub/sub. A channel `raw:<name>` is taken as it is: Celery's pidbox and events are such. */
import type { Bus, BusMessage, Channel } from "../../broker/bus.ts";
import { either } from "../../kernel/either.ts";
import { Listener } from "../notifier.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import { escapeGlob } from "./queues.ts";
import { bytesArg } from "./sending.ts";
import type { Subscriber } from "./subscriber.ts";

/** A subscriber that does not read loses the oldest messages beyond this many: memory is not held for it. */
const largestBacklog = 10_000;

export class RedisBus implements Bus {
  readonly #connections: Connections;
  readonly #keys: Keys;
  readonly #subscriber: Subscriber;

  constructor(connections: Connections, keys: Keys, subscriber: Subscriber) {
    this.#connections = connections;
    this.#keys = keys;
    this.#subscriber = subscriber;
  }

  async publish(channel: Channel, data: Uint8Array | string): Promise<void> {
    await this.#connections.command.call(["PUBLISH", this.#keys.channel(channel), bytesArg(data)]);
  }

  /** `onListening`: when it is subscribed, each time anew. */
  subscribe(channels: readonly Channel[], signal: AbortSignal, onListening?: () => void): AsyncIterable<BusMessage> {
    const { signal: ended, release } = either(signal, this.#connections.closing);
    const backlog: BusMessage[] = [];
    const names = new Map<string, Channel>();
    const prefixes = channels.filter((channel) => channel.endsWith("*")).map((channel) => channel.slice(0, -1));
    for (const channel of channels) if (!channel.endsWith("*")) names.set(this.#keys.channel(channel), channel);
    const bell = new Listener(() => {
      release();
      subscription.close();
    });
    const subscription = this.#subscriber.add(
      { channels: [...names.keys()], patterns: prefixes.map((prefix) => `${escapeGlob(this.#keys.channel(prefix))}*`) },
      {
        patient: true,
        onGap: () => onListening?.(),
        heard: (name, data) => {
          const channel = names.get(name) ?? this.#under(prefixes, name);
          if (channel === undefined) return;
          backlog.push({ channel, data });
          if (backlog.length > largestBacklog) backlog.shift();
          bell.ring();
        },
      },
    );
    if (onListening !== undefined) void subscription.on.then(() => ended.aborted || onListening());
    ended.addEventListener("abort", () => bell.close(), { once: true });
    if (ended.aborted) bell.close();
    return received(backlog, bell, ended);
  }

  /** The channel's own name, as the subscriber would write it. */
  #under(prefixes: readonly Channel[], name: string): Channel | undefined {
    const prefix = prefixes.find((one) => name.startsWith(this.#keys.channel(one)));
    return prefix === undefined ? undefined : prefix + name.slice(this.#keys.channel(prefix).length);
  }
}

async function* received(backlog: BusMessage[], bell: Listener, ended: AbortSignal): AsyncGenerator<BusMessage> {
  try {
    while (!ended.aborted) {
      for (let message = backlog.shift(); message; message = backlog.shift()) {
        yield message;
        if (ended.aborted) return;
      }
      await bell.rung(ended);
    }
  } finally {
    bell.close();
  }
}
