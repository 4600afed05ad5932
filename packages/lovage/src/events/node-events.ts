/** What remote control may do about a node's events (celery-wire.md §9.3, §10.5). */
export interface NodeEvents {
  /** Task events are sent, as far as anybody listens. Those of the node itself always are. */
  readonly enabled: boolean;
  /** Resolves when every runner that is heard sends them. */
  enable(): Promise<void>;
  disable(): Promise<void>;
  /** Says that the node is there, at once, and looks whether anybody listens. Resolves when it was said. */
  heartbeat(): Promise<void>;
}
