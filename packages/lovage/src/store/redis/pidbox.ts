/**
 * Celery's mailboxes on Redis (celery-wire.md §10): requests over the fanout channel of the database, replies through a list per
 * caller that its binding announces. Python nodes and callers take part without knowing of us.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "../../broker/bus.ts";
import type { Pidbox } from "../../broker/pidbox.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asBytes, asNumber } from "./reply.ts";

const requestExchange = "celery.pidbox";
const replyExchange = "reply.celery.pidbox";

/** A caller waits for a second or so: looking this often costs less than a connection of its own that blocks. */
const lookEveryMs = 20;
/** A caller removes its list; one that died does not. Kombu leaves such lists for ever. */
const keepSeconds = 300;

export class RedisPidbox implements Pidbox {
  readonly #command: Link;
  readonly #bus: Bus;
  readonly #keys: Keys;
  readonly #channel: string;
  readonly #bindings: string;

  constructor(command: Link, bus: Bus, keys: Keys, database: number) {
    this.#command = command;
    this.#bus = bus;
    this.#keys = keys;
    // With kombu's global_keyprefix in front (celery-wire.md §1.6).
    this.#channel = `raw:${keys.list(`/${database}.${requestExchange}`, 0)}`;
    this.#bindings = `${keys.bindings}${replyExchange}`;
  }

  async *requests(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const { data } of this.#bus.subscribe([this.#channel], signal)) yield data;
  }

  /** A worker of Python's has one subscription, and so has a node of ours. */
  async broadcast(request: string): Promise<number> {
    return asNumber(await this.#command.call(["PUBLISH", this.#keys.channel(this.#channel), request]));
  }

  async reply(oid: string, reply: string): Promise<void> {
    const waits = asNumber(await this.#command.call(["SISMEMBER", this.#bindings, this.#member(oid)]));
    if (waits === 0) return;
    const list = this.#keys.list(queueOf(oid), 0);
    await this.#command.call(["LPUSH", list, reply]);
    await this.#command.call(["EXPIRE", list, String(keepSeconds)]);
  }

  async replies(oid: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    await this.#command.call(["SADD", this.#bindings, this.#member(oid)]);
    return this.#take(oid, signal);
  }

  async *#take(oid: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const lists = this.#keys.lists(queueOf(oid));
    try {
      while (!signal.aborted) {
        const reply = await this.#command.call(["RPOP", lists[0] as string]);
        if (reply === null) await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
        else yield asBytes(reply);
      }
    } finally {
      // The binding first: what is pushed after it is gone would stay.
      await this.#command.call(["SREM", this.#bindings, this.#member(oid)]);
      await this.#command.call(["DEL", ...lists]);
    }
  }

  #member(oid: string): string {
    const { separator } = this.#keys;
    return `${oid}${separator}${separator}${queueOf(oid)}`;
  }
}

const queueOf = (oid: string): string => `${oid}.${replyExchange}`;
