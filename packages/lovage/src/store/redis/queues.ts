/** Queues for people: depth, peek, purge, names. Not for the hot path. */
import type { QueueAdmin, Standing } from "../../broker/broker.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { decodeRecord } from "./record.ts";
import { asBytes, asList, asNumber, asText, pairs } from "./reply.ts";
import type { Reply } from "./resp.ts";
import { depthScript } from "./scripts/depth.ts";
import { purgeScript } from "./scripts/purge.ts";

export class RedisQueues implements QueueAdmin {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async depth(queues: readonly QueueName[]): Promise<readonly number[]> {
    const lists = queues.flatMap((queue) => this.#keys.lists(queue));
    const depths = asList(await this.#link.run(depthScript, lists, [])).map((depth) => Math.max(0, asNumber(depth)));
    const { length } = this.#keys.buckets;
    return queues.map((_, i) => depths.slice(i * length, (i + 1) * length).reduce((sum, depth) => sum + depth, 0));
  }

  async peek(queue: QueueName, limit: number): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (const list of this.#keys.lists(queue)) {
      if (found.length >= limit) break;
      // The right end is the next one out.
      const tail = asList(await this.#link.call(["LRANGE", list, String(found.length - limit), "-1"]));
      found.push(...tail.reverse().map(asBytes));
    }
    return found;
  }

  async purge(queues: readonly QueueName[]): Promise<number> {
    const keys = this.#keys;
    const lists = [...new Set(queues)].flatMap((queue) => keys.lists(queue));
    const parked = await this.#parkedOf(new Set(queues));
    return asNumber(await this.#link.run(purgeScript, [keys.parkedDue, keys.parked, ...lists], parked));
  }

  async #parkedOf(queues: ReadonlySet<QueueName>): Promise<string[]> {
    const ids: string[] = [];
    let cursor = "0";
    do {
      const [next, entries] = asList(await this.#link.call(["HSCAN", this.#keys.parked, cursor, "COUNT", "500"]));
      cursor = asText(next);
      for (const [id, record] of pairs(entries)) {
        const { queue } = decodeRecord({ epoch: "", number: 0 }, asBytes(record));
        if (queues.has(queue)) ids.push(asText(id));
      }
    } while (cursor !== "0");
    return ids;
  }

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const keys = this.#keys;
    for (const list of (await this.names()).flatMap((queue) => keys.lists(queue))) yield* this.#pages(list);
    let cursor = "0";
    do {
      const [next, entries] = asList(await this.#link.call(["HSCAN", keys.parked, cursor, "COUNT", String(pageSize)]));
      cursor = asText(next);
      yield records("parked", entries);
    } while (cursor !== "0");
    for await (const flight of scan(this.#link, `${escapeGlob(keys.flight(""))}*`))
      yield records("running", await this.#link.call(["HGETALL", flight]));
  }

  async *#pages(list: string): AsyncGenerator<readonly Standing[]> {
    // From the end that empties: what goes meanwhile is met no more, and nothing is left out.
    for (let from = -pageSize, page: readonly Standing[] = []; from === -pageSize || page.length === pageSize; from -= pageSize) {
      const found = await this.#link.call(["LRANGE", list, String(from), String(from + pageSize - 1)]);
      page = asList(found).map((bytes) => ({ place: "waiting", bytes: asBytes(bytes) }));
      yield page;
    }
  }

  /** From kombu's own bindings, so Python's queues are among them; pidbox and event queues are not. */
  async names(): Promise<readonly QueueName[]> {
    const names = new Set<QueueName>();
    const { bindings, separator } = this.#keys;
    for await (const key of scan(this.#link, `${escapeGlob(bindings)}*`)) {
      if (/\.pidbox$|^celeryev$/.test(key.slice(bindings.length))) continue;
      const members = asList(await this.#link.call(["SMEMBERS", key]));
      for (const member of members) names.add(asText(member).split(separator).at(-1) ?? "");
    }
    return [...names];
  }
}

const pageSize = 500;

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

const records = (place: "parked" | "running", entries: Reply | undefined): readonly Standing[] =>
  [...pairs(entries)].map(([, record]) => ({ place, bytes: decodeRecord({ epoch: "", number: 0 }, asBytes(record)).bytes }));

export const escapeGlob = (text: string): string => text.replace(/[\\*?[\]]/g, "\\$&");
