/**
 * Hears which queues are paused (broker/pauses.ts): before the first runner is started, with each announcement on the bus, and every few
 * seconds, since the bus may lose one. Runners know nothing of it: they are told other queues.
 */
import type { Bus } from "../../broker/bus.ts";
import { pausesChannel, readPauses } from "../../broker/pauses.ts";
import type { StateStore } from "../../broker/state-store.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service, type StopOptions } from "../../kernel/service.ts";
import type { QueueName } from "../../message/task-message.ts";

export interface PausedQueuesOptions {
  readonly state: StateStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  onLook(paused: readonly QueueName[]): void;
}

const lookEveryMs = 5000;
const againAfterMs = 500;

export class PausedQueues implements Service {
  readonly #options: PausedQueuesOptions;
  readonly #looking: Service;
  readonly #abort = new AbortController();
  #listening: Promise<void> | undefined;

  constructor(options: PausedQueuesOptions) {
    const { clock } = options;
    this.#options = options;
    this.#looking = createLoop({
      clock,
      everyMs: lookEveryMs,
      turn: (signal) => clock.sleep(lookEveryMs, signal).then(() => this.#look()),
      onError: (error) => options.log.debug("pauses.look-failed", { error }),
    });
  }

  /** Resolves once the store has said which queues are paused: nothing is to be taken from any of them. */
  async start(): Promise<void> {
    await this.#firstLook(this.#abort.signal);
    this.#listening ??= this.#listen(this.#abort.signal);
    await this.#looking.start();
  }

  async stop(how: StopOptions): Promise<void> {
    this.#abort.abort();
    await Promise.all([this.#listening, this.#looking.stop(how)]);
  }

  async #firstLook(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#look();
        return;
      } catch (error) {
        log.warn("pauses.look-failed", { error });
      }
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
    }
  }

  async #look(): Promise<undefined> {
    this.#options.onLook((await readPauses(this.#options.state)).map(({ queue }) => queue));
    return undefined;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { bus, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const _ of bus.subscribe([pausesChannel], signal)) await this.#look();
      } catch (error) {
        if (!signal.aborted) log.warn("pauses.bus-failed", { error });
      }
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
    }
  }
}
