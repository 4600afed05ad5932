/**
 * How control messages travel: by the bus alone, or by Celery's own channel and reply lists where Python is to hear and answer
 * too. What `control/` needs of a store, so that it knows none.
 */
import { replyExchange } from "./pidbox.ts";

export interface ControlLink {
  /** Every request that is broadcast, from Python too where the store can. Ends when `signal` aborts. */
  requests(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** How many heard it, each of which answers at most once; undefined: nobody can tell. */
  broadcast(request: string): Promise<number | undefined>;
  /** Dropped silently when nobody waits for it any more. */
  reply(oid: string, reply: string): Promise<void>;
  /** Resolves when nothing that is replied to `oid` from now on can be missed. Ends when `signal` aborts, and cleans up then. */
  replies(oid: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** The part of a bus that is needed here. */
export interface ControlBus {
  publish(channel: string, data: Uint8Array | string): Promise<void>;
  subscribe(channels: readonly string[], signal: AbortSignal): AsyncIterable<{ readonly data: Uint8Array }>;
}

export const requestChannel = "celery.pidbox";

/** For stores that Python does not use. `nodes`: how many there are. */
export function busLink(bus: ControlBus, nodes?: () => Promise<number>): ControlLink {
  return {
    requests: (signal) => dataOf(bus, requestChannel, signal),
    async broadcast(request) {
      const heard = await nodes?.();
      await bus.publish(requestChannel, request);
      return heard;
    },
    reply: (oid, reply) => bus.publish(`${replyExchange}/${oid}`, reply),
    replies: async (oid, signal) => listening(dataOf(bus, `${replyExchange}/${oid}`, signal)),
  };
}

async function* dataOf(bus: ControlBus, channel: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const { data } of bus.subscribe([channel], signal)) yield data;
}

/** A bus begins to listen with the first `next()`: that is made here, before anybody can be asked. */
function listening(stream: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  let first: Promise<IteratorResult<Uint8Array>> | undefined = stream.next();
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    const result = first ?? stream.next();
    first = undefined;
    return result;
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
