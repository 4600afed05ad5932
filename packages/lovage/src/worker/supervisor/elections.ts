/**
 * Acknowledges the elections of Python's nodes (celery-wire.md §10.6): they wait for every node that is alive, and for this one in vain
 * otherwise. It stands for nothing itself: a node of Python wins.
 */
import { decodeEvents, encodeEvents, eventText } from "../../events/envelope.ts";
import { type EventOrigin, newEvent, routingKeyOf } from "../../events/event.ts";
import type { EventLink } from "../../events/event-link.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";

export interface ElectionsOptions {
  readonly link: EventLink;
  readonly origin: EventOrigin;
  readonly log: Logger;
}

export function elections({ link, origin, log }: ElectionsOptions): Service {
  let abort = new AbortController();
  let listening: Promise<void> | undefined;
  const acknowledge = async (bytes: Uint8Array) => {
    const routingKey = routingKeyOf("worker-elect-ack");
    for (const { type, id } of decodeEvents(bytes)) {
      if (type !== "worker-elect" || id === undefined) continue;
      const ack = newEvent(origin, "worker-elect-ack", { id });
      await link.publish({ routingKey, envelope: encodeEvents(origin.hostname, routingKey, eventText(ack)) });
    }
  };
  const listen = async (signal: AbortSignal) => {
    const onError = (error: unknown) => log.warn("elections.unanswered", { error });
    for await (const bytes of link.receive(signal, { routingKey: routingKeyOf("worker-elect") })) acknowledge(bytes).catch(onError);
  };
  return {
    async start() {
      abort = new AbortController();
      listening ??= listen(abort.signal);
    },
    async stop() {
      abort.abort();
      await listening;
      listening = undefined;
    },
  };
}
