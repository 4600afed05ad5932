/** Dead letters on Redis; scripts/include/dead.lua says how they lie there. */
import { randomUUID } from "node:crypto";
import type { DeadLetter, DeadLetterCount, DeadLetterId, DeadLetterQuery, DeadLetters, Replay } from "../../broker/dead-letters.ts";
import type { DeadReason } from "../../message/commit.ts";
import { collect, idOf, type Place, placeOf } from "../dead-letter-page.ts";
import { assertSizes } from "../sizes.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { decodeRecord, encodeHeader } from "./record.ts";
import { asBytes, asList, asNumber, asText, pairs, refused } from "./reply.ts";
import type { Arg, Reply } from "./resp.ts";
import { addDeadScript } from "./scripts/add-dead.ts";
import { discardDeadScript } from "./scripts/discard-dead.ts";
import { replayScript } from "./scripts/replay.ts";
import { trimDeadScript } from "./scripts/trim-dead.ts";
import { Declared, expiryArg, pushSending } from "./sending.ts";

/** What stands before the record, as JSON. */
type Description = Pick<DeadLetter, "delivery" | "reason" | "detail" | "cause" | "attempts">;

export const describeLetter = ({ delivery, reason, detail, cause, attempts }: Description): string =>
  JSON.stringify({ delivery, reason, detail, cause, attempts });

/** Letters that one script call removes or adds. */
const atOnce = 500;

export interface RedisDeadLettersOptions {
  readonly deadlineMs: number;
  readonly chordOrdered: boolean;
}

export class RedisDeadLetters implements DeadLetters {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #options: RedisDeadLettersOptions;
  readonly #declared: Declared;

  constructor(link: Link, keys: Keys, options: RedisDeadLettersOptions) {
    this.#link = link;
    this.#keys = keys;
    this.#options = options;
    this.#declared = new Declared(link);
  }

  async count(): Promise<number> {
    return asNumber(await this.#link.call(["ZCARD", this.#keys.deadOrder]));
  }

  async counts(): Promise<readonly DeadLetterCount[]> {
    const fields = pairs(await this.#link.call(["HGETALL", this.#keys.deadCounts]));
    return [...fields].map(([field, count]) => {
      const [, reason = "", queue = ""] = /^([^|]*)\|(.*)$/s.exec(asText(field)) ?? [];
      return { queue, reason: reason as DeadReason, count: asNumber(count) };
    });
  }

  async get(id: DeadLetterId): Promise<DeadLetter | undefined> {
    const place = placeOf(id);
    if (place === undefined) return undefined;
    const [value] = asList(await this.#link.call(["HMGET", this.#keys.dead, place.key]));
    return value ? read(value, place) : undefined;
  }

  list(limit: number, query: DeadLetterQuery = {}): Promise<readonly DeadLetter[]> {
    return collect(limit, query, (count, after) => this.#page(count, after));
  }

  async #page(count: number, after: Place | undefined): Promise<readonly DeadLetter[]> {
    const places: Place[] = [];
    const from = after === undefined ? "+inf" : String(after.at);
    for (let offset = 0; places.length < count; ) {
      const command = [
        "ZRANGE",
        this.#keys.deadOrder,
        from,
        "-inf",
        "BYSCORE",
        "REV",
        "LIMIT",
        String(offset),
        String(count),
        "WITHSCORES",
      ];
      const entries = asList(await this.#link.call(command)).map((pair) => asList(pair));
      const found = entries.map(([key, at]) => ({ at: asNumber(at), key: asText(key) }));
      places.push(...found.filter((place) => isBehind(place, after)));
      offset += entries.length;
      if (entries.length < count) break;
    }
    const wanted = places.slice(0, count);
    if (wanted.length === 0) return [];
    const values = asList(await this.#link.call(["HMGET", this.#keys.dead, ...wanted.map(({ key }) => key)]));
    // One that was replayed in between is not there any more.
    return wanted.flatMap((place, i) => (values[i] ? [read(values[i] as Reply, place)] : []));
  }

  async replay({ id, message, ended }: Replay): ReturnType<DeadLetters["replay"]> {
    const place = placeOf(id);
    if (place === undefined) return false;
    const keys = this.#keys;
    assertSizes({ messages: [message] });
    const { chord, taskId } = ended ?? {};
    const args: Arg[] = [String(this.#options.deadlineMs * 2), place.key, taskId === undefined ? "" : keys.result(taskId)];
    if (chord) args.push(keys.taskset(chord.groupId), keys.closedChord(chord.groupId), chord.index === null ? "+inf" : String(chord.index));
    else args.push("", "", "");
    args.push(taskId ?? "", this.#options.chordOrdered ? "1" : "");
    const { unique } = message;
    if (unique) args.push(keys.unique(unique.key), `${keys.root}unique`, expiryArg(unique.forMs), message.taskId);
    else args.push("", "", "", "");
    const declared = pushSending(args, keys, this.#declared, { messages: [message] });
    const own = [keys.call(randomUUID()), keys.dead, keys.deadOrder, keys.parked, keys.parkedDue, keys.sequence];
    const reply = await this.#link.run(replayScript, own, args);
    if (Array.isArray(reply)) {
      const [kind, holder = null] = reply;
      if (asText(kind ?? null) === "held") return { heldBy: asText(holder) };
      throw refused(reply);
    }
    this.#declared.add(declared);
    return asText(reply) !== "gone";
  }

  async discard(ids: readonly DeadLetterId[]): Promise<number> {
    const places = ids.flatMap((id) => placeOf(id) ?? []);
    let discarded = 0;
    for (let at = 0; at < places.length; at += atOnce) {
      const keys = places.slice(at, at + atOnce).map(({ key }) => key);
      discarded += removed(await this.#link.run(discardDeadScript, [this.#keys.dead, this.#keys.deadOrder], keys));
    }
    return discarded;
  }

  async add(letters: readonly Omit<DeadLetter, "id">[]): Promise<void> {
    const { dead, deadOrder, sequence } = this.#keys;
    for (let at = 0; at < letters.length; at += atOnce) {
      const args: Arg[] = [String(this.#options.deadlineMs * 2)];
      for (const letter of letters.slice(at, at + atOnce)) args.push(String(letter.at), describeLetter(letter), this.#record(letter));
      const reply = await this.#link.run(addDeadScript, [this.#keys.call(randomUUID()), dead, deadOrder, sequence], args);
      if (Array.isArray(reply)) throw refused(reply);
    }
  }

  #record({ queue, bucket, bytes }: Omit<DeadLetter, "id">): Buffer {
    const { prefixBytes } = this.#keys;
    const header = encodeHeader({ list: this.#keys.list(queue, bucket), queue, bucket, prefixBytes });
    return Buffer.concat([typeof header === "string" ? Buffer.from(header) : header, bytes]);
  }

  async trim({ most, olderThanMs }: Parameters<DeadLetters["trim"]>[0]): Promise<number> {
    const { dead, deadOrder, counters } = this.#keys;
    const args = [most, olderThanMs].map((limit) => (limit === null ? "" : String(Math.ceil(limit))));
    let trimmed = 0;
    for (let slice = 1; slice > 0; trimmed += slice)
      slice = removed(await this.#link.run(trimDeadScript, [dead, deadOrder, counters], args));
    return trimmed;
  }
}

function removed(reply: Reply): number {
  if (Array.isArray(reply)) throw refused(reply);
  return asNumber(reply);
}

const isBehind = (place: Place, after: Place | undefined): boolean =>
  after === undefined || place.at < after.at || (place.at === after.at && place.key < after.key);

function read(value: Reply, place: Place): DeadLetter {
  const bytes = asBytes(value);
  const length = bytes.readUInt32BE(0);
  const description = JSON.parse(bytes.toString("utf8", 4, 4 + length)) as Description;
  const record = decodeRecord(description.delivery, bytes.subarray(4 + length));
  return { ...description, id: idOf(place), queue: record.queue, bucket: record.bucket, at: place.at, bytes: record.bytes };
}
