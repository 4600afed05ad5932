/**
 * Celery's event channels on Redis (celery-wire.md §9.1): a fanout exchange per database, one channel per routing key. PUBLISH says
 * how many clients of this server heard it.
 */
import type { EventExchange, EventWord, ReceiveOptions } from "../../broker/event-exchange.ts";
import type { RedisBus } from "./bus.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import { asNumber } from "./reply.ts";

export class RedisEvents implements EventExchange {
  readonly #connections: Connections;
  readonly #bus: RedisBus;
  readonly #keys: Keys;
  readonly #database: number;

  constructor(connections: Connections, bus: RedisBus, keys: Keys, database: number) {
    this.#connections = connections;
    this.#bus = bus;
    this.#keys = keys;
    this.#database = database;
  }

  async publish({ routingKey, envelope }: EventWord, { withCommits = false } = {}): Promise<number> {
    const { runner, command } = this.#connections;
    return asNumber(
      await (withCommits ? runner : command).call(["PUBLISH", this.#keys.eventChannel(this.#database, routingKey), envelope]),
    );
  }

  async *receive(signal: AbortSignal, { routingKey = "*", onListening }: ReceiveOptions = {}): AsyncGenerator<Uint8Array> {
    const channel = `raw:${this.#keys.eventChannel(this.#database, routingKey)}`;
    for await (const { data } of this.#bus.subscribe([channel], signal, onListening)) yield data;
  }
}
