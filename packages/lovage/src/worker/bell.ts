/**
 * Listens to the store's bell for whoever has nothing to do: a node's supervisor for its runners, or a runner that is the only
 * one of its node. Rings once per sign that there may be work, and only while somebody wants to hear it. Takes no messages.
 */
import type { Clock } from "../kernel/clock.ts";
import { either } from "../kernel/either.ts";
import type { Logger } from "../kernel/logger.ts";
import type { QueueName } from "../message/task-message.ts";

export interface BellOptions {
  readonly queues: readonly QueueName[];
  /** `Leases.wake`. */
  wake(queues: readonly QueueName[], signal: AbortSignal): AsyncIterable<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Somebody has nothing to do. */
  isWanted(): boolean;
  ring(): void;
}

const againAfterMs = 500;

export class Bell {
  readonly #options: BellOptions;
  #queues: readonly QueueName[];
  #abort = new AbortController();
  /** Ends when other queues are to be listened to. */
  #others = new AbortController();
  #running: Promise<void> | undefined;
  #wanted: (() => void) | undefined;

  constructor(options: BellOptions) {
    this.#options = options;
    this.#queues = options.queues;
  }

  start(): void {
    this.#abort = new AbortController();
    this.#running ??= this.#listen(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wanted?.();
    await this.#running;
    this.#running = undefined;
  }

  /** From now on; rings once for what may wait there already. */
  listenTo(queues: readonly QueueName[]): void {
    this.#queues = queues;
    this.#others.abort();
    this.#wanted?.();
  }

  /** What `isWanted` says may have become true. */
  changed(): void {
    this.#wanted?.();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { wake, clock, log, ring } = this.#options;
    while (!signal.aborted) {
      this.#others = new AbortController();
      const { signal: until, release } = either(signal, this.#others.signal);
      try {
        if (this.#queues.length === 0) await aborted(until);
        else
          for await (const _ of wake(this.#queues, until)) {
            ring();
            // Under load nobody listens: a bell that is heard while messages wait and all are busy would ring without end.
            await this.#wantedOrStopped(until);
            // A bell that rings without end must not keep a node that stops.
            if (until.aborted) break;
          }
      } catch (error) {
        if (!until.aborted) log.warn("bell.failed", { error });
      }
      if (!this.#others.signal.aborted) await clock.sleep(againAfterMs, until).catch(() => undefined);
      release();
    }
  }

  async #wantedOrStopped(signal: AbortSignal): Promise<void> {
    while (!this.#options.isWanted() && !signal.aborted) await new Promise<void>((resolve) => (this.#wanted = resolve));
    this.#wanted = undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
