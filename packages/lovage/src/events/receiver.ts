/**
 * Hears events of Python's and Lovage's nodes and clients, as Celery's receiver does: times are shifted by the senders' zones, clocks
 * are learnt from, and nodes are asked to say that they are there whenever it begins to listen. It goes on after a lost connection.
 */
import type { LamportClock } from "../kernel/lamport-clock.ts";
import { decodeEvents } from "./envelope.ts";
import { type CeleryEvent, utcOffset } from "./event.ts";
import type { EventLink } from "./event-link.ts";

export interface ReceivedEvent extends CeleryEvent {
  readonly clock: number;
  /** Seconds since 1970, by the receiver's clock. */
  readonly local_received: number;
}

export interface ReceiverOptions {
  readonly link: EventLink;
  readonly lamport: LamportClock;
  /** Milliseconds since 1970. */
  now(): number;
  /** Asks all nodes for a heartbeat: those that send task events begin now, before they answer. */
  wakeUp(): Promise<void>;
  /** Something that is no event, or nodes that could not be asked. */
  onFault(fault: unknown): void;
}

/** Ends when `signal` aborts. */
export async function* receiveEvents(options: ReceiverOptions, signal: AbortSignal): AsyncGenerator<ReceivedEvent> {
  const { link, lamport, now, wakeUp, onFault } = options;
  const onListening = () => void wakeUp().catch(onFault);
  for await (const bytes of link.receive(signal, { onListening })) {
    let events: readonly CeleryEvent[];
    try {
      events = decodeEvents(bytes);
    } catch (error) {
      onFault(error);
      continue;
    }
    for (const event of events) yield received(event, lamport, now());
  }
}

/** The clocks of clients say nothing: theirs is taken to be just behind ours. */
const clientSkew = -1;

/** As Celery's `event_from_message`. */
export function received(event: CeleryEvent, lamport: LamportClock, nowMs: number): ReceivedEvent {
  const { timestamp, utcoffset } = event;
  const hours = typeof utcoffset === "number" ? utcoffset - utcOffset(nowMs) : 0;
  return {
    ...event,
    clock: clockOf(event, lamport),
    timestamp: typeof timestamp === "number" ? timestamp - hours * 3600 : timestamp,
    local_received: nowMs / 1000,
  };
}

function clockOf({ type, clock }: CeleryEvent, lamport: LamportClock): number {
  if (type === "task-sent") {
    const skewed = (lamport.value || 1) + clientSkew;
    lamport.adjust(skewed);
    return skewed;
  }
  if (typeof clock !== "number") return lamport.forward();
  lamport.adjust(clock);
  return clock;
}
