import type { DeadLetter, DeadLetters } from "../../broker/dead-letters.ts";
import type { DeadReason, DeliveryId } from "../../message/commit.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { decodeRecord } from "./record.ts";
import { asBytes, asList, asNumber, asText } from "./reply.ts";
import type { Reply } from "./resp.ts";

/** Written by scripts/commit.lua: 4 bytes of length, a JSON description, then the record. */
export class RedisDeadLetters implements DeadLetters {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  async count(): Promise<number> {
    return asNumber(await this.#link.call(["ZCARD", this.#keys.deadOrder]));
  }

  async list(limit: number): Promise<readonly DeadLetter[]> {
    if (limit <= 0) return [];
    const { deadOrder, dead } = this.#keys;
    const order = asList(await this.#link.call(["ZRANGE", deadOrder, "0", String(limit - 1), "REV", "WITHSCORES"]));
    if (order.length === 0) return [];
    const found = order.map((pair) => asList(pair));
    const values = asList(await this.#link.call(["HMGET", dead, ...found.map(([id]) => asText(id))]));
    return values.flatMap((value, i) => (value === null ? [] : [read(value, asNumber(found[i]?.[1]))]));
  }
}

function read(value: Reply, at: number): DeadLetter {
  const bytes = asBytes(value);
  const length = bytes.readUInt32BE(0);
  const description = JSON.parse(bytes.toString("utf8", 4, 4 + length)) as { delivery: DeliveryId; reason: DeadReason; detail: string };
  const record = decodeRecord(description.delivery, bytes.subarray(4 + length));
  return { ...description, queue: record.queue, bucket: record.bucket, at, bytes: record.bytes };
}
