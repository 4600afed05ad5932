/**
 * The outbox of an app whose broker may be away. A publication that finds it away is kept in a store of this machine and goes
 * out when the broker is back, in the order of arrival, from whichever process of this spool is up. The broker remembers each
 * by its id (`Broker.publishOnce`): replayed twice, by two processes or after a lost reply, it is published once.
 */
import type { Broker } from "../broker/broker.ts";
import type { StateKey, StateStore } from "../broker/state-store.ts";
import { backoffDelayMs, exponential } from "../kernel/backoff.ts";
import type { Clock } from "../kernel/clock.ts";
import { BrokerUnavailableError, isLovageError, StoreRefusedError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import type { ChordStart, Outgoing, Publication } from "../message/commit.ts";
import type { AppSpool, SpoolStatus } from "./app.ts";

export interface SpoolOptions {
  /** The store it is kept in, opened at the first need. */
  state(): Promise<StateStore>;
  broker(): Promise<Broker>;
  /** Of the store, for people. */
  readonly place: string;
  /** Tells the spools of one file apart: one per broker. */
  readonly name: string;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly onFault: (fault: unknown) => void;
}

/** One publication as it is kept. */
interface Kept {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly messages: readonly (Omit<Outgoing, "bytes"> & { readonly bytes: string })[];
  readonly chords: readonly ChordStart[];
}

const retry = exponential({ first: "100ms", factor: 2, max: "5s", jitter: "full" });
/** Answered calls are named for forgetting with the next ones; each is one key of the broker for a week if that never comes. */
const mostForgotten = 100;

export class Spool implements AppSpool {
  readonly #options: SpoolOptions;
  readonly #waiting: string;
  readonly #refused: string;
  readonly #closing = new AbortController();
  /** While something is kept, new publications queue up behind it. */
  #behind: boolean | undefined;
  #replaying: Promise<void> | undefined;
  #answered: string[] = [];
  #kept = 0;
  #replayed = 0;
  #lastAt = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#waiting = `spool/${options.name}/waiting/`;
    this.#refused = `spool/${options.name}/refused/`;
  }

  /**
   * Resolves when the broker has it, or this machine's disk.
   * @throws {BrokerUnavailableError} when neither would. What the broker refuses for good.
   */
  async publish(publication: Publication): Promise<void> {
    if (this.#behind === undefined) await this.#look();
    const id = newId();
    if (this.#behind) return this.#keep(id, publication);
    const forget = this.#answered.splice(0, mostForgotten);
    try {
      await this.#send(id, publication, forget);
      this.#answered.push(id);
    } catch (error) {
      this.#answered.unshift(...forget);
      if (!isAway(error)) throw error;
      await this.#keep(id, publication, error);
    }
  }

  async status(): Promise<SpoolStatus> {
    const waiting = await this.#keys(this.#waiting);
    const refused = await this.#keys(this.#refused);
    const [first] = waiting;
    const oldest = first === undefined ? null : new Date(Number(first.slice(this.#waiting.length).split("-")[0]));
    return { waiting: waiting.length, oldest, refused: refused.length };
  }

  get replayed(): number {
    return this.#replayed;
  }

  /** Sends what is kept; resolves when nothing is. Goes on trying while the broker is away, until `signal` aborts. */
  async replay(signal?: AbortSignal): Promise<void> {
    this.#behind = true;
    this.#replaying ??= this.#drain().finally(() => {
      this.#replaying = undefined;
    });
    await (signal === undefined ? this.#replaying : orAborted(this.#replaying, signal));
  }

  close(): void {
    this.#closing.abort();
  }

  /** What an earlier process left comes first. */
  async #look(): Promise<void> {
    const { waiting } = await this.status();
    this.#behind ??= waiting > 0;
    if (this.#behind) this.#replayInBackground();
  }

  async #send(id: string, publication: Publication, forget: readonly string[]): Promise<void> {
    const { deadlineMs } = this.#options;
    const broker = await this.#options.broker();
    if (broker.publishOnce === undefined) await broker.publish(publication, { deadlineMs });
    else await broker.publishOnce(id, publication, { deadlineMs, forget });
  }

  async #keep(id: string, publication: Publication, why?: BrokerUnavailableError): Promise<void> {
    this.#lastAt = Math.max(this.#lastAt, this.#options.clock.now());
    this.#kept += 1;
    const place = `${String(this.#lastAt).padStart(15, "0")}-${String(this.#kept).padStart(12, "0")}-${id.slice(0, 8)}`;
    const messages = publication.messages.map(({ bytes, ...rest }) => ({ ...rest, bytes: Buffer.from(bytes).toString() }));
    const kept: Kept = { id, at: this.#lastAt, messages, chords: publication.chords ?? [] };
    try {
      await (await this.#options.state()).write([{ key: this.#waiting + place, value: JSON.stringify(kept) }]);
    } catch (error) {
      throw neither(why, error, publication, this.#options.place);
    }
    if (!this.#behind) this.#options.onFault(spooling(why, this.#options.place));
    this.#replayInBackground();
  }

  #replayInBackground(): void {
    void this.replay().catch((error: unknown) => this.#options.onFault(error));
  }

  async #drain(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted; ) {
      try {
        const keptBefore = this.#kept;
        const keys = await this.#keys(this.#waiting);
        for (const key of keys) {
          await this.#replayOne(key);
          failures = 0;
        }
        if (keys.length > 0 || keptBefore !== this.#kept) continue;
        this.#behind = false;
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (!isAway(error)) this.#options.onFault(error);
        await this.#options.clock.sleep(backoffDelayMs(retry, failures++), this.#closing.signal).catch(() => undefined);
      }
    }
  }

  async #replayOne(key: StateKey): Promise<void> {
    const state = await this.#options.state();
    const [found] = await state.read([key]);
    if (found === undefined || this.#closing.signal.aborted) return; // another process was faster
    const kept = JSON.parse(Buffer.from(found.value).toString()) as Kept;
    let sent = true;
    try {
      // Never forgotten: another process may have read the same one.
      await this.#send(kept.id, asPublication(kept, this.#options.clock.now()), []);
    } catch (error) {
      if (!isLovageError(error) || error.name !== "StoreRefusedError") throw error;
      await state.write([{ key: this.#refused + key.slice(this.#waiting.length), value: found.value }]);
      this.#options.onFault(refusedForGood(error, kept, this.#options.place));
      sent = false;
    }
    const [wasOurs] = await state.write([{ key, value: null, ifVersion: found.version }]);
    if (sent && wasOurs === true) this.#replayed += 1;
  }

  async #keys(prefix: string): Promise<StateKey[]> {
    const keys: StateKey[] = [];
    for await (const key of (await this.#options.state()).keys(prefix)) keys.push(key);
    return keys.sort();
  }
}

/** The store of an app that was closed is not away. */
export const isAway = (error: unknown): error is BrokerUnavailableError =>
  isLovageError(error) && error.name === "BrokerUnavailableError" && error.code !== "LOVAGE_STORE_CLOSED";

/** Delays count from the send, not from the replay. */
function asPublication({ messages, chords, at }: Kept, now: number): Publication {
  const late = Math.max(0, now - at);
  return {
    messages: messages.map((message) => (message.parkMs === undefined ? message : { ...message, parkMs: message.parkMs - late })),
    chords,
  };
}

const taskIds = ({ messages }: Pick<Publication, "messages">): readonly string[] => messages.map(({ taskId }) => taskId);

function spooling(why: BrokerUnavailableError | undefined, place: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    "LOVAGE_SPOOLING",
    `The broker is away: what is sent is kept in ${place} and goes out when it is back. ${why?.message ?? ""}`.trim(),
    { cause: why, details: { spool: place } },
  );
}

function neither(why: BrokerUnavailableError | undefined, error: unknown, publication: Publication, place: string): BrokerUnavailableError {
  const reason = error instanceof Error ? error.message : String(error);
  return new BrokerUnavailableError("LOVAGE_SPOOL_FAILED", `The broker is away, and the spool ${place} does not take it: ${reason}`, {
    cause: error,
    details: { ...why?.details, spool: place, taskIds: taskIds(publication) },
  });
}

function refusedForGood(error: Error, kept: Kept, place: string): StoreRefusedError {
  return new StoreRefusedError(
    "LOVAGE_SPOOL_REFUSED",
    `The broker will not take what was kept for it (${kept.messages.length} message(s)): ${error.message} It stays in ${place}.`,
    { cause: error, details: { spool: place, taskIds: taskIds(kept) } },
  );
}

/** @throws the signal's reason. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}
