/**
 * Acknowledges the elections of Python's nodes (celery-wire.md §10.6): they wait for every node that is alive, and where there are many
 * of ours they would wait for ever. It stands for nothing itself: a node of Python wins. Celery breaks when it has enough acknowledgements
 * and has heard of one candidate only (kombu 5.6 clocks.py sort_heap), so ours come late, and for a lone candidate not at all.
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

/** After the last candidate was heard of. */
const acknowledgeAfterMs = 1000;

interface Election {
  candidates: number;
  readonly timer: NodeJS.Timeout;
}

export function elections({ link, origin, log }: ElectionsOptions): Service {
  const open = new Map<unknown, Election>();
  let abort = new AbortController();
  let listening: Promise<void> | undefined;
  const acknowledge = async (id: unknown) => {
    const { candidates = 0 } = open.get(id) ?? {};
    open.delete(id);
    const routingKey = routingKeyOf("worker-elect-ack");
    const ack = () => encodeEvents(origin.hostname, routingKey, eventText(newEvent(origin, "worker-elect-ack", { id })));
    if (candidates > 1) for (let each = 0; each < candidates; each++) await link.publish({ routingKey, envelope: ack() });
  };
  const stands = (id: unknown) => {
    const election = open.get(id);
    if (election === undefined) {
      const onError = (error: unknown) => log.warn("elections.unanswered", { error });
      const timer = setTimeout(() => void acknowledge(id).catch(onError), acknowledgeAfterMs);
      open.set(id, { candidates: 1, timer });
    } else {
      election.candidates += 1;
      election.timer.refresh();
    }
  };
  const listen = async (signal: AbortSignal) => {
    for await (const bytes of link.receive(signal, { routingKey: routingKeyOf("worker-elect") }))
      for (const { type, id } of readable(bytes)) if (type === "worker-elect" && id !== undefined) stands(id);
  };
  return {
    async start() {
      abort = new AbortController();
      listening ??= listen(abort.signal);
    },
    async stop() {
      abort.abort();
      for (const { timer } of open.values()) clearTimeout(timer);
      open.clear();
      await listening;
      listening = undefined;
    },
  };
}

/** What is no event is nobody's vote. */
function readable(bytes: Uint8Array): ReturnType<typeof decodeEvents> {
  try {
    return decodeEvents(bytes);
  } catch {
    return [];
  }
}
