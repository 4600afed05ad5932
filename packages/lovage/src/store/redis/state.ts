/** Small documents, counters and capped logs on Redis. A log is a stream; those who follow it are told by pub/sub. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LogEntry, LogId, StateKey, StateStore, StateWrite, Versioned } from "../../broker/state-store.ts";
import { either } from "../../kernel/either.ts";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import { Listener } from "../notifier.ts";
import { assertWhole } from "../whole.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { escapeGlob, scan } from "./queues.ts";
import { asBytes, asList, asNumber, asText, pairs, refused } from "./reply.ts";
import type { Reply } from "./resp.ts";
import { stateAddScript } from "./scripts/state-add.ts";
import { stateAppendScript } from "./scripts/state-append.ts";
import { stateWriteScript } from "./scripts/state-write.ts";
import { bytesArg, expiryArg } from "./sending.ts";
import type { Subscriber } from "./subscriber.ts";

const pageEntries = 500;

export class RedisState implements StateStore {
  readonly #connections: Connections;
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #subscriber: Subscriber;

  constructor(connections: Connections, keys: Keys, subscriber: Subscriber) {
    this.#connections = connections;
    this.#link = connections.state;
    this.#keys = keys;
    this.#subscriber = subscriber;
  }

  async read(keys: readonly StateKey[]): Promise<readonly (Versioned | undefined)[]> {
    // Sent in one turn of the event loop, they share a packet.
    const found = await Promise.all(keys.map((key) => this.#link.call(["HMGET", this.#keys.state(key), "version", "value"])));
    return found.map((reply) => {
      const [version, value] = asList(reply);
      return version ? { version: asNumber(version), value: asBytes(value) } : undefined;
    });
  }

  async write(batch: readonly StateWrite[]): Promise<readonly boolean[]> {
    if (batch.length === 0) return [];
    const keys = batch.flatMap(({ key, counts }) => [this.#keys.state(key), this.#keys.tally(key), this.#keys.tally(counts?.key ?? key)]);
    const args = batch.flatMap(({ value, ifVersion, expiresMs, counts }) => [
      ifVersion === undefined ? "" : String(ifVersion),
      expiryArg(expiresMs),
      value === null ? "1" : "",
      value === null ? "" : bytesArg(value),
      ...countArgs(counts),
    ]);
    const replies = asList(await this.#link.run(stateWriteScript, keys, args));
    if (Array.isArray(replies[0])) throw refused(replies[0]);
    return replies.map((reply) => reply === 1);
  }

  async *keys(prefix: string): AsyncGenerator<StateKey> {
    const seen = new Set<StateKey>();
    for (const name of [this.#keys.state, this.#keys.tally]) {
      for await (const key of scan(this.#link, `${escapeGlob(name(prefix))}*`)) {
        const bare = key.slice(name("").length);
        if (!seen.has(bare)) yield bare;
        seen.add(bare);
      }
    }
  }

  async add(key: StateKey, fields: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
    assertWhole(key, fields);
    const args = Object.entries(fields).flatMap(([field, by]) => [field, String(by)]);
    const reply = asList(await this.#link.run(stateAddScript, [this.#keys.tally(key)], args));
    if (reply[0] !== undefined && Array.isArray(reply[0])) throw refused(reply[0]);
    return Object.fromEntries([...pairs(reply)].map(([field, value]) => [asText(field), asNumber(value)]));
  }

  async append(
    log: StateKey,
    entries: readonly (Uint8Array | string)[],
    options: { readonly keep: number; readonly expiresMs?: number },
  ): Promise<LogId> {
    const key = this.#keys.log(log);
    const args = [String(options.keep), expiryArg(options.expiresMs), key, ...entries.map(bytesArg)];
    return toLogId(asText(await this.#link.run(stateAppendScript, [key], args)));
  }

  async tail(log: StateKey, count: number): Promise<readonly LogEntry[]> {
    if (count <= 0) return [];
    const reply = await this.#link.call(["XREVRANGE", this.#keys.log(log), "+", "-", "COUNT", String(count)]);
    return asList(reply).map(toEntry).reverse();
  }

  async has(log: StateKey, id: LogId): Promise<boolean> {
    const streamId = toStreamId(id);
    return asList(await this.#link.call(["XRANGE", this.#keys.log(log), streamId, streamId])).length > 0;
  }

  async *follow(log: StateKey, after: LogId, signal: AbortSignal): AsyncGenerator<LogEntry> {
    const { signal: ended, release } = either(signal, this.#connections.closing);
    const key = this.#keys.log(log);
    const bell = new Listener(() => subscription.close());
    const ring = () => bell.ring();
    const subscription = this.#subscriber.add({ channels: [key] }, { heard: ring, onGap: ring });
    const end = () => bell.close();
    ended.addEventListener("abort", end, { once: true });
    let last = after;
    try {
      if (!ended.aborted) await subscription.on;
      while (!ended.aborted) {
        const page = await this.#after(key, last, ended);
        for (const entry of page) {
          last = entry.id;
          yield entry;
          if (ended.aborted) return;
        }
        if (page.length < pageEntries) await bell.rung(ended);
      }
    } finally {
      release();
      bell.close();
    }
  }

  /** As long as it takes: the server may be away. */
  async #after(key: string, last: LogId, ended: AbortSignal): Promise<readonly LogEntry[]> {
    const from = last === "" ? "-" : `(${toStreamId(last)}`;
    while (!ended.aborted) {
      try {
        return asList(await this.#link.call(["XRANGE", key, from, "+", "COUNT", String(pageEntries)])).map(toEntry);
      } catch (error) {
        if (ended.aborted) break;
        if (!(error instanceof BrokerUnavailableError)) throw error;
        await sleep(250, undefined, { signal: ended }).catch(() => undefined);
      }
    }
    return [];
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

function toEntry(reply: Reply): LogEntry {
  const [id, fields] = asList(reply);
  return { id: toLogId(asText(id)), data: asBytes(asList(fields)[1]) };
}

/** Stream ids are two numbers; padded they sort as text. */
const toLogId = (id: string): LogId => {
  const [ms = "", sequence] = id.split("-");
  return sequence === undefined ? "" : `${ms.padStart(15, "0")}-${sequence.padStart(10, "0")}`;
};
const toStreamId = (id: LogId): string => id.split("-").map(Number).join("-");

function countArgs(counts: StateWrite["counts"]): string[] {
  if (counts === undefined) return ["0"];
  assertWhole(counts.key, counts.add);
  const fields = Object.entries(counts.add).flatMap(([field, by]) => [field, String(by)]);
  return [String(fields.length / 2), ...fields];
}
