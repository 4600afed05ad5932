/**
 * The store on one Redis (≥ 7.0) or Valkey (≥ 7.2) server: queues, results and chords under Celery's keys, everything else
 * under `lovage:<namespace>:`. Nothing connects before it is used.
 */
import type { Store, StoreOptions } from "../store.ts";
import { RedisBroker } from "./broker.ts";
import { RedisBus } from "./bus.ts";
import { Connections } from "./connections.ts";
import { RedisDeadLetters } from "./dead-letters.ts";
import { RedisEvents } from "./events.ts";
import { examine } from "./examine.ts";
import { Keys } from "./keys.ts";
import { RedisLeases } from "./leases.ts";
import { RedisLimits } from "./limits.ts";
import { RedisPidbox } from "./pidbox.ts";
import { asNumber, asText, pairs } from "./reply.ts";
import { RedisResults } from "./results.ts";
import { RedisRevokes } from "./revokes.ts";
import { isSentinelUrl, parseSentinelUrl } from "./sentinel-url.ts";
import { report } from "./server.ts";
import { RedisState } from "./state.ts";
import { Subscriber } from "./subscriber.ts";
import { parseRedisUrl } from "./url.ts";

/** @throws {ConfigError} LOVAGE_STORE_URL */
export async function open(url: string, options: StoreOptions): Promise<Store> {
  const endpoint = isSentinelUrl(url) ? parseSentinelUrl(url, options.sentinel) : parseRedisUrl(url);
  const keys = new Keys(options);
  const connections = new Connections(endpoint, keys, options);
  const { command } = connections;
  const subscriber = new Subscriber(connections.subscriber, options.onFault);
  const bus = new RedisBus(connections, keys, subscriber);
  return {
    name: endpoint.name,
    broker: new RedisBroker(connections, keys, subscriber),
    leases: new RedisLeases(connections, keys, endpoint.database),
    limits: new RedisLimits(connections, keys),
    results: new RedisResults(connections, keys, subscriber),
    revokes: new RedisRevokes(command, keys),
    deadLetters: new RedisDeadLetters(command, keys, options),
    bus,
    events: new RedisEvents(connections, bus, keys, endpoint.database),
    pidbox: new RedisPidbox(command, bus, keys, endpoint.database),
    state: new RedisState(connections, keys, subscriber),
    ping: (deadlineMs) => report(command, deadlineMs),
    examine: () => examine({ link: command, keys, endpoint }),
    async counters() {
      const fields = await command.call(["HGETALL", keys.counters]);
      return Object.fromEntries([...pairs(fields)].map(([field, count]) => [asText(field), asNumber(count)]));
    },
    async close() {
      subscriber.close();
      await connections.close();
    },
  };
}
