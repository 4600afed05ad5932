/**
 * Publishes. Publications made in one turn of the event loop share one script call; one that the store refuses is then tried
 * alone, so that it does not fail its neighbours. Each script call has an id that the store remembers for twice the deadline:
 * repeated after a lost connection, it publishes nothing twice.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { OnceOptions, Publication } from "../../broker/broker.ts";
import { BrokerUnavailableError, isLovageError } from "../../kernel/errors.ts";
import { soon } from "../../kernel/soon.ts";
import { storeClosed } from "../refusals.ts";
import { assertSizes } from "../sizes.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import type { MemoryPressure } from "./memory-pressure.ts";
import { refused } from "./reply.ts";
import type { Arg } from "./resp.ts";
import { publishScript } from "./scripts/publish.ts";
import { Declared, pushSending } from "./sending.ts";

/** A script call holds up everyone else: so much and no more is joined into one. A single publication is never split. */
const joinMessages = 500;
const joinBytes = 1024 * 1024;

const rememberOnceMs = 7 * 86_400_000;

/** What the store remembers a script call by. */
interface Call {
  readonly key: string;
  readonly rememberMs: number;
  /** Keys of calls that will not be repeated. */
  readonly forget: readonly string[];
}
const none: readonly string[] = [];

interface Waiting {
  readonly publication: Publication;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Publisher {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #declared: Declared;
  readonly #deadlineMs: number;
  readonly #name: string;
  readonly #pressure: MemoryPressure;
  /** Tells calls of this publisher from all others. */
  readonly #callPrefix = randomUUID();
  #calls = 0;
  /** By deadline: a call has one. */
  readonly #waiting = new Map<number, Waiting[]>();

  constructor(link: Link, keys: Keys, deadlineMs: number, name: string, pressure: MemoryPressure) {
    this.#link = link;
    this.#keys = keys;
    this.#declared = new Declared(link);
    this.#deadlineMs = deadlineMs;
    this.#name = name;
    this.#pressure = pressure;
  }

  publish(publication: Publication, deadlineMs = this.#deadlineMs): Promise<void> {
    const { delayMs } = this.#pressure;
    return delayMs === 0 ? this.#publish(publication, deadlineMs) : this.#publishLater(publication, deadlineMs, delayMs);
  }

  async #publishLater(publication: Publication, deadlineMs: number, delayMs: number): Promise<void> {
    const waitMs = Math.min(delayMs, deadlineMs / 2);
    await sleep(waitMs);
    await this.#publish(publication, deadlineMs - waitMs);
  }

  #publish(publication: Publication, deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#link.closed) throw storeClosed(this.#name, taskIds(publication));
      assertSizes(publication);
      const waiting = this.#waiting.get(deadlineMs);
      if (waiting) {
        waiting.push({ publication, resolve, reject });
        return;
      }
      this.#waiting.set(deadlineMs, [{ publication, resolve, reject }]);
      soon(() => this.#flush(deadlineMs));
    });
  }

  /** Alone in its call, whose id is the caller's. */
  async publishOnce(id: string, publication: Publication, { deadlineMs, forget }: OnceOptions): Promise<void> {
    if (this.#link.closed) throw storeClosed(this.#name, taskIds(publication));
    assertSizes(publication);
    const call = { key: this.#keys.call(id), rememberMs: rememberOnceMs, forget: forget.map(this.#keys.call) };
    try {
      await this.#call(publication, deadlineMs, call);
    } catch (error) {
      throw this.#named(error, publication);
    }
  }

  #flush(deadlineMs: number): void {
    const waiting = this.#waiting.get(deadlineMs) ?? [];
    this.#waiting.delete(deadlineMs);
    if (waiting.length === 1) void this.#sendAll(waiting, deadlineMs);
    else for (const batch of batches(waiting)) void this.#sendAll(batch, deadlineMs);
  }

  async #sendAll(batch: readonly Waiting[], deadlineMs: number): Promise<void> {
    try {
      await this.#call(joined(batch), deadlineMs, {
        key: this.#keys.call(`${this.#callPrefix}-${this.#calls++}`),
        rememberMs: Math.ceil(deadlineMs * 2),
        forget: none,
      });
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1 || !isLovageError(error) || error instanceof BrokerUnavailableError)
        for (const one of batch) one.reject(this.#named(error, one.publication));
      else await Promise.all(batch.map((one) => this.#sendAll([one], deadlineMs)));
    }
  }

  async #call(sending: Publication, deadlineMs: number, { key, rememberMs, forget }: Call): Promise<void> {
    const args: Arg[] = [String(rememberMs)];
    const keys = this.#keys;
    const declared = pushSending(args, keys, this.#declared, sending);
    const own = [key, keys.parked, keys.parkedDue, keys.sequence, keys.standby, keys.revokesVersion, ...forget];
    const reply = await this.#link.run(publishScript, own, args, { deadlineMs, othersFirst: sending.messages.length === 1 });
    if (Array.isArray(reply)) throw refused(reply);
    this.#pressure.sent();
    this.#declared.add(declared);
  }

  /** With the ids of one's own messages, for a safe second try. */
  #named(error: unknown, publication: Publication): unknown {
    if (!(error instanceof BrokerUnavailableError)) return error;
    const details = { ...error.details, taskIds: taskIds(publication) };
    return new BrokerUnavailableError(error.code, error.message, { cause: error.cause, details });
  }
}

function joined(batch: readonly Waiting[]): Publication {
  const [first, second] = batch;
  if (first !== undefined && second === undefined) return first.publication;
  return {
    messages: batch.flatMap(({ publication }) => publication.messages),
    chords: batch.flatMap(({ publication }) => publication.chords ?? []),
  };
}

function* batches(waiting: readonly Waiting[]): Generator<readonly Waiting[]> {
  let batch: Waiting[] = [];
  let messages = 0;
  let bytes = 0;
  for (const one of waiting) {
    const size = one.publication.messages.reduce((sum, message) => sum + message.bytes.length, 0);
    if (batch.length > 0 && (messages + one.publication.messages.length > joinMessages || bytes + size > joinBytes)) {
      yield batch;
      batch = [];
      messages = 0;
      bytes = 0;
    }
    batch.push(one);
    messages += one.publication.messages.length;
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

const taskIds = ({ messages }: Publication): readonly string[] => messages.map((message) => message.taskId);
