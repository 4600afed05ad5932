/**
 * How events travel: by Celery's own channels where Python is to hear them too, or by the bus alone. What `events/` needs of a
 * store, so that it knows none.
 */
import { randomUUID } from "node:crypto";
import { encodeEvents, eventExchange } from "./envelope.ts";

export interface EventLink {
  /** A word has left only when `publish` resolves: it is a write. Else when the turn is over in which it was called. */
  readonly leavesLate?: boolean;
  /** How many heard it; undefined: nobody can say. */
  publish(
    word: { readonly routingKey: string; readonly envelope: string },
    how?: { readonly withCommits?: boolean },
  ): Promise<number | undefined>;
  /** Nothing that is published from `onListening` on is missed; it is called again when something may have been. */
  receive(signal: AbortSignal, options?: { readonly routingKey?: string; onListening?(): void }): AsyncIterable<Uint8Array>;
}

/** The part of a bus that is needed here. */
export interface EventBus {
  publish(channel: string, data: Uint8Array | string): Promise<void>;
  subscribe(channels: readonly string[], signal: AbortSignal): AsyncIterable<{ readonly data: Uint8Array }>;
}

/** A bus does not say when it listens: words of one's own are said until one is heard. */
const helloEveryMs = 50;

/** For stores that Python does not use. */
export function busEvents(bus: EventBus): EventLink {
  return {
    leavesLate: true,
    publish: async ({ routingKey, envelope }) => {
      await bus.publish(eventChannel(routingKey), envelope);
      return undefined;
    },
    receive: (signal, { routingKey, onListening } = {}) => received(bus, eventChannel(routingKey ?? "*"), signal, onListening),
  };
}

export const eventChannel = (routingKey: string): string => `${eventExchange}/${routingKey}`;

async function* received(
  bus: EventBus,
  channel: string,
  signal: AbortSignal,
  onListening: (() => void) | undefined,
): AsyncGenerator<Uint8Array> {
  const own = eventChannel(`hello.${randomUUID()}`);
  const stop = onListening === undefined ? () => {} : sayHello(bus, own);
  let greeted = onListening === undefined;
  try {
    for await (const message of bus.subscribe(greeted ? [channel] : [channel, own], signal)) {
      if (!greeted) {
        greeted = true;
        stop();
        onListening?.();
      }
      yield message.data;
    }
  } finally {
    stop();
  }
}

/** An empty batch: whoever else hears it finds no event in it. */
function sayHello(bus: EventBus, channel: string): () => void {
  const hello = encodeEvents("", "hello", "[]");
  const say = () => void bus.publish(channel, hello).catch(() => undefined);
  const timer = setInterval(say, helloEveryMs);
  timer.unref();
  setImmediate(say);
  return () => clearInterval(timer);
}
