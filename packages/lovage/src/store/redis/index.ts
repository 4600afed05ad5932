/**
 * The store on one Redis (≥ 7.0) or Valkey (≥ 7.2) server: queues, results and chords under Celery's keys, everything else
 * under `lovage:<namespace>:`. Nothing connects before it is used.
 */
import type { Store, StoreOptions } from "../store.ts";
import { RedisBroker } from "./broker.ts";
import { Connections } from "./connections.ts";
import { Keys } from "./keys.ts";
import { parseRedisUrl } from "./url.ts";

/** @throws {ConfigError} LOVAGE_STORE_URL */
export async function open(url: string, options: StoreOptions): Promise<Store> {
  const endpoint = parseRedisUrl(url);
  const keys = new Keys(options);
  const connections = new Connections(endpoint, keys, options);
  const broker = new RedisBroker(connections, keys);
  return { name: endpoint.name, broker, close: () => connections.close() } as never as Store;
}
