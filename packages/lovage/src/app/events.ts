/** An app's view of events: of its nodes, of Python's, and of the tasks they are at. */
import { busLink } from "../control/control-link.ts";
import { encodeRequest } from "../control/pidbox.ts";
import { busEvents } from "../events/event-link.ts";
import { type ReceivedEvent, receiveEvents } from "../events/receiver.ts";
import { LamportClock } from "../kernel/lamport-clock.ts";
import type { Store } from "../store/store.ts";

export interface CaptureOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Asks all nodes for a heartbeat when it begins to listen. @defaultValue true */
  readonly wakeUp?: boolean;
}

/** By type of event; `*`: those that have no handler of their own. */
export type EventHandlers = Readonly<Record<string, (event: ReceivedEvent) => void | Promise<void>>>;

export interface AppEvents {
  /**
   * Events from now on, of Python's nodes too. Nodes say what becomes of tasks when they were started with `-E`. What is not read in
   * time is lost. @example for await (const event of app.events.capture({ signal })) console.log(event.type, event.uuid);
   */
  capture(options?: CaptureOptions): AsyncIterable<ReceivedEvent>;
  /** One after the other. Resolves when `signal` aborts; rejects with what a handler throws. */
  handle(handlers: EventHandlers, options?: CaptureOptions): Promise<void>;
}

export interface EventDeskOptions {
  store(): Promise<Store>;
  now(): number;
  onFault(fault: unknown): void;
}

/** Milliseconds that a request for heartbeats stands. */
const askedForMs = 5000;

export class EventDesk implements AppEvents {
  readonly #options: EventDeskOptions;

  constructor(options: EventDeskOptions) {
    this.#options = options;
  }

  async *capture({ signal = new AbortController().signal, wakeUp = true }: CaptureOptions = {}): AsyncGenerator<ReceivedEvent> {
    const { now, onFault } = this.#options;
    const store = await this.#options.store();
    const lamport = new LamportClock();
    const ask = async () => (wakeUp ? askForHeartbeats(store, lamport, now()) : undefined);
    yield* receiveEvents({ link: store.events ?? busEvents(store.bus), lamport, now, wakeUp: ask, onFault }, signal);
  }

  async handle(handlers: EventHandlers, options?: CaptureOptions): Promise<void> {
    for await (const event of this.capture(options)) await (handlers[event.type] ?? handlers["*"])?.(event);
  }
}

async function askForHeartbeats(store: Store, lamport: LamportClock, nowMs: number): Promise<void> {
  const nobody = { destination: null, pattern: null, matcher: null, ticket: null, replyTo: null };
  const request = encodeRequest({ method: "heartbeat", arguments: {}, ...nobody, clock: lamport.forward() }, nowMs + askedForMs);
  await (store.pidbox ?? busLink(store.bus)).broadcast(request);
}
