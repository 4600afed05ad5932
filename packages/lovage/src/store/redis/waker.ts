/**
 * The bell: says that something may have arrived, whoever pushed it, and removes nothing. It asks whether the lists exist on a
 * connection with client tracking in its default, one-shot mode; the server then says once when one of them is touched.
 * So an idle node costs one look every 3 s, which also covers a lost bell, and under load there is no bell at all.
 */

import { either } from "../../kernel/either.ts";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import type { QueueName } from "../../message/task-message.ts";
import { type Listener, Notifier } from "../notifier.ts";
import { silenceMs } from "./calls.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asNumber } from "./reply.ts";
import { depthScript } from "./scripts/depth.ts";

const slowLookMs = 3000;
/** One who idles has a connection that answers at once, or one that is dead. */
const lookDeadlineMs = silenceMs + 200;
/** Where there is no tracking (a proxy, or no right to it). */
const lookMs = 50;
/** After a look that failed. */
const pauseMs = 250;

export class Waker {
  readonly #connections: Connections;
  readonly #keys: Keys;
  readonly #notifier = new Notifier();
  #link: Link | undefined;
  #everyMs = slowLookMs;

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections;
    this.#keys = keys;
  }

  async *wake(queues: readonly QueueName[], signal: AbortSignal): AsyncGenerator<void> {
    const { signal: ended, release } = either(signal, this.#connections.closing);
    const lists = queues.flatMap((queue) => this.#keys.lists(queue));
    const listener = this.#notifier.listen(lists);
    try {
      if (!ended.aborted) yield;
      while (!ended.aborted) {
        const found = await this.#look(lists);
        const rung = found === true || (await rings(listener, found === undefined ? pauseMs : this.#everyMs, ended));
        if (rung && !ended.aborted) yield;
      }
    } finally {
      listener.close();
      release();
    }
  }

  /** Whether something waits; undefined when the server did not say. From here on a touch of these lists rings. */
  async #look(lists: readonly string[]): Promise<boolean | undefined> {
    try {
      const bell = this.#bell();
      // An empty list does not exist: one command looks at all of them and has them tracked.
      if (asNumber(await bell.call(["EXISTS", ...lists], { deadlineMs: lookDeadlineMs })) === 0) return false;
      // Something that is no list would otherwise ring for ever.
      const depths = asList(await bell.run(depthScript, lists, [], { deadlineMs: lookDeadlineMs }));
      return depths.some((depth) => asNumber(depth) > 0);
    } catch (error) {
      // The connection has reported itself; anything else is news.
      if (!(error instanceof BrokerUnavailableError)) this.#connections.options.onFault(error);
      return undefined;
    }
  }

  #bell(): Link {
    if (this.#link) return this.#link;
    const link = this.#connections.bell({
      onTouched: (key) => (key === null ? this.#notifier.notifyAll() : this.#notifier.notify(key)),
      onRefused: (cause) => this.#withoutTracking(cause),
    });
    // A new connection has read nothing yet, and what came meanwhile was heard by nobody.
    link.onReady(() => this.#notifier.notifyAll());
    this.#link = link;
    return link;
  }

  #withoutTracking(cause: Error): void {
    this.#everyMs = lookMs;
    const text = `${this.#connections.name} refuses CLIENT TRACKING (${cause.message}): idle runners look every ${lookMs} ms instead of being told. Allow it, or expect about ${1000 / lookMs} commands/s per idle node.`;
    this.#connections.options.onFault(new BrokerUnavailableError("LOVAGE_TRACKING_REFUSED", text, { cause }));
  }
}

/** True: it rang. False: `ms` went by. */
async function rings(listener: Listener, ms: number, ended: AbortSignal): Promise<boolean> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    listener.ring();
  }, ms);
  await listener.rung(ended);
  clearTimeout(timer);
  return !late;
}
