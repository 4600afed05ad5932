/** Queues for people. Not for the hot path. */
import {
  type Binding,
  type NewBinding,
  type QueueAdmin,
  type QueueCounts,
  type Removal,
  type Standing,
  type TakenByPython,
  type Waiting,
  waitsForItsTime,
} from "../../broker/queue-admin.ts";
import type { Delivery } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { rearrange } from "./rearranging.ts";
import { decodeRecord, parkReasonOf } from "./record.ts";
import { asBytes, asList, asNumber, asText, pairs } from "./reply.ts";
import type { Reply } from "./resp.ts";
import { depthScript } from "./scripts/depth.ts";
import { purgeScript } from "./scripts/purge.ts";
import { tallyRecordsScript } from "./scripts/tally-records.ts";

export class RedisQueues implements QueueAdmin {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async depth(queues: readonly QueueName[]): Promise<readonly number[]> {
    return (await this.#depths(queues)).map((depths) => depths.reduce((sum, depth) => sum + depth, 0));
  }

  /** Per queue and bucket. */
  async #depths(queues: readonly QueueName[]): Promise<readonly (readonly number[])[]> {
    const lists = queues.flatMap((queue) => this.#keys.lists(queue));
    const depths = asList(await this.#link.run(depthScript, lists, [])).map((depth) => Math.max(0, asNumber(depth)));
    const { length } = this.#keys.buckets;
    return queues.map((_, i) => depths.slice(i * length, (i + 1) * length));
  }

  async peek(queue: QueueName, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.page(queue, 0, limit)).map(({ bytes }) => bytes);
  }

  async page(queue: QueueName, from: number, limit: number): Promise<readonly Waiting[]> {
    const { buckets } = this.#keys;
    const found: Waiting[] = [];
    let skip = from;
    for (const bucket of buckets) {
      if (found.length >= limit) break;
      const list = this.#keys.list(queue, bucket);
      const length = skip === 0 ? 0 : asNumber(await this.#link.call(["LLEN", list]));
      if (skip > 0 && length <= skip) {
        skip -= length;
        continue;
      }
      // The right end is the next one out.
      const range = [String(-skip - (limit - found.length)), String(-skip - 1)];
      const tail = asList(await this.#link.call(["LRANGE", list, ...range])).reverse();
      for (const bytes of tail) found.push({ place: "waiting", queue, bucket, bytes: asBytes(bytes), at: from + found.length });
      skip = 0;
    }
    return found;
  }

  async counts(queues: readonly QueueName[]): Promise<readonly QueueCounts[]> {
    const { buckets } = this.#keys;
    const [depths, parked, running] = [await this.#depths(queues), new Map<QueueName, number>(), new Map<QueueName, number>()];
    await this.#tally(this.#keys.parked, parked);
    for await (const flight of this.#flights()) await this.#tally(flight, running);
    return queues.map((queue, i) => ({
      waiting: buckets.map((bucket, j) => ({ bucket, count: depths[i]?.[j] ?? 0 })),
      parked: parked.get(queue) ?? 0,
      running: running.get(queue) ?? 0,
    }));
  }

  async #tally(key: string, into: Map<QueueName, number>): Promise<void> {
    let cursor = "0";
    do {
      const [next, counts] = asList(await this.#link.run(tallyRecordsScript, [key], [cursor, String(pageSize)]));
      cursor = asText(next);
      for (const [header, count] of pairs(counts)) {
        const { queue } = decodeRecord(nobody, asBytes(header));
        into.set(queue, (into.get(queue) ?? 0) + asNumber(count));
      }
    } while (cursor !== "0");
  }

  async purge(queues: readonly QueueName[]): Promise<number> {
    const keys = this.#keys;
    const lists = [...new Set(queues)].flatMap((queue) => keys.lists(queue));
    const parked: string[] = [];
    for await (const page of this.#parkedPages()) for (const [id, { queue }] of page) if (queues.includes(queue)) parked.push(id);
    return asNumber(await this.#link.run(purgeScript, [keys.parkedDue, keys.parked, ...lists], parked));
  }

  rearrange(removals: readonly Removal[]): Promise<readonly boolean[]> {
    return rearrange(this.#link, this.#keys, removals);
  }

  async *#parkedPages(): AsyncGenerator<readonly (readonly [string, Delivery])[]> {
    for await (const entries of this.#hashPages(this.#keys.parked))
      yield [...pairs(entries)].map(([id, record]) => [asText(id), decodeRecord(nobody, asBytes(record))] as const);
  }

  async *#hashPages(key: string): AsyncGenerator<Reply> {
    let cursor = "0";
    do {
      const [next, entries] = asList(await this.#link.call(["HSCAN", key, cursor, "COUNT", String(pageSize)]));
      cursor = asText(next);
      yield entries ?? [];
    } while (cursor !== "0");
  }

  async bind(binding: NewBinding): Promise<void> {
    await this.#link.call(["SADD", this.#keys.bindings + binding.exchange, this.#keys.bindingOf(binding)]);
  }

  async due(limit: number): Promise<readonly Standing[]> {
    const { parked, parkedDue } = this.#keys;
    const found = asList(await this.#link.call(["ZRANGE", parkedDue, "0", String(limit - 1)])).map(asText);
    const ids = found.filter((id) => !id.startsWith("limit:"));
    if (ids.length === 0) return [];
    const records = asList(await this.#link.call(["HMGET", parked, ...ids]));
    const standing = await this.#parked(ids.flatMap((id, i) => (records[i] == null ? [] : [id, records[i] as Reply])));
    return standing.filter(waitsForItsTime);
  }

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const keys = this.#keys;
    for (const queue of await this.names()) for (const bucket of keys.buckets) yield* this.#waitingPages(queue, bucket);
    for await (const entries of this.#hashPages(keys.parked)) yield await this.#parked(entries);
    const prefix = keys.flight("").length;
    for await (const flight of this.#flights()) {
      const epoch = flight.slice(prefix);
      const records = [...pairs(await this.#link.call(["HGETALL", flight]))];
      yield records.map(([number, record]) => {
        const held = { epoch, number: asNumber(number) };
        const { queue, bucket, bytes } = decodeRecord(held, asBytes(record));
        return { place: "running", queue, bucket, bytes, held };
      });
    }
  }

  async #parked(entries: Reply): Promise<readonly Standing[]> {
    const records = [...pairs(entries)].map(([id, record]) => [asText(id), asBytes(record)] as const);
    if (records.length === 0) return [];
    const dues = asList(await this.#link.call(["ZMSCORE", this.#keys.parkedDue, ...records.map(([id]) => id)]));
    return records.map(([id, record], i) => {
      const { queue, bucket, bytes } = decodeRecord(nobody, record);
      const due = dues[i];
      const dueMs = due === null || due === undefined ? null : asNumber(due);
      return { place: "parked", queue, bucket, bytes, parked: { id, why: parkReasonOf(record), dueMs } };
    });
  }

  #flights(): AsyncIterable<string> {
    return scan(this.#link, `${escapeGlob(this.#keys.flight(""))}*`);
  }

  async *#waitingPages(queue: QueueName, bucket: number): AsyncGenerator<readonly Standing[]> {
    const list = this.#keys.list(queue, bucket);
    // From the end that empties: what goes meanwhile is met no more, and nothing is left out.
    for (let from = -pageSize, page: readonly Standing[] = []; from === -pageSize || page.length === pageSize; from -= pageSize) {
      const found = await this.#link.call(["LRANGE", list, String(from), String(from + pageSize - 1)]);
      page = asList(found).map((bytes) => ({ place: "waiting", queue, bucket, bytes: asBytes(bytes) }));
      yield page;
    }
  }

  async *takenByPython(): AsyncGenerator<readonly TakenByPython[]> {
    const keys = this.#keys;
    for await (const entries of this.#hashPages(keys.unacked)) {
      const found = [...pairs(entries)].map(([tag, text]) => [asText(tag), asText(text)] as const);
      if (found.length === 0) continue;
      const since = asList(await this.#link.call(["ZMSCORE", keys.unackedIndex, ...found.map(([tag]) => tag)]));
      yield found.map(([, text], i) => {
        const at = since[i];
        return { bytes: takenEnvelope(text), sinceMs: at === null || at === undefined ? null : Math.round(asNumber(at) * 1000) };
      });
    }
  }

  async names(): Promise<readonly QueueName[]> {
    return [...new Set((await this.bindings()).map(({ queue }) => queue))];
  }

  /** kombu's own, so Python's queues are among them; pidbox and event queues are not. */
  async bindings(): Promise<readonly Binding[]> {
    const found: Binding[] = [];
    const { bindings, separator } = this.#keys;
    for await (const key of scan(this.#link, `${escapeGlob(bindings)}*`)) {
      const exchange = key.slice(bindings.length);
      if (/\.pidbox$|^celeryev$/.test(exchange)) continue;
      for (const member of asList(await this.#link.call(["SMEMBERS", key]))) {
        const [routingKey = "", ...rest] = asText(member).split(separator);
        found.push({ exchange, queue: rest.at(-1) ?? routingKey, routingKey });
      }
    }
    return found;
  }
}

const pageSize = 500;
const nobody = { epoch: "", number: 0 };

/** celery-wire.md §4.1: `[envelope, exchange, routing_key]`. What is something else is shown as it is. */
function takenEnvelope(text: string): Uint8Array {
  try {
    const [envelope] = JSON.parse(text) as readonly unknown[];
    return Buffer.from(typeof envelope === "string" ? envelope : JSON.stringify(envelope));
  } catch {
    return Buffer.from(text);
  }
}

export async function* scan(link: Link, pattern: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = asList(await link.call(["SCAN", cursor, "MATCH", pattern, "COUNT", "1000"]));
    cursor = asText(next);
    for (const key of asList(keys).map(asText)) {
      if (seen.has(key)) continue;
      seen.add(key);
      yield key;
    }
  } while (cursor !== "0");
}

export const escapeGlob = (text: string): string => text.replace(/[\\*?[\]]/g, "\\$&");
