import type { BusMessage, Channel } from "../../broker/bus.ts";
import type { Listener } from "../notifier.ts";

export interface Subscriber {
  readonly channels: readonly Channel[];
  readonly backlog: BusMessage[];
  readonly bell: Listener;
}

/** What the bus of all connections of one memory store and namespace have in common. */
export class Wire {
  readonly subscribers = new Set<Subscriber>();
}
