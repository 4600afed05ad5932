/**
 * Listens to the store's bell for whoever has nothing to do: a node's supervisor for its runners, or a runner that is the only
 * one of its node. Rings once per sign that there may be work, and only while somebody wants to hear it. Takes no messages.
 */
import type { Clock } from "../kernel/clock.ts";
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
  #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wanted: (() => void) | undefined;

  constructor(options: BellOptions) {
    this.#options = options;
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

  /** What `isWanted` says may have become true. */
  changed(): void {
    this.#wanted?.();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { queues, wake, clock, log, ring } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const _ of wake(queues, signal)) {
          ring();
          // Under load nobody listens: a bell that is heard while messages wait and all are busy would ring without end.
          await this.#wantedOrStopped(signal);
          // A bell that rings without end must not keep a node that stops.
          if (signal.aborted) break;
        }
      } catch (error) {
        if (!signal.aborted) log.warn("bell.failed", { error });
      }
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
    }
  }

  async #wantedOrStopped(signal: AbortSignal): Promise<void> {
    while (!this.#options.isWanted() && !signal.aborted) await new Promise<void>((resolve) => (this.#wanted = resolve));
    this.#wanted = undefined;
  }
}
