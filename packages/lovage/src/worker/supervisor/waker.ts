/**
 * Waits for messages on behalf of all idle runners: one bell for the node, rung by the store. Wakes one runner per ring; a runner
 * whose batch came back full has the next one woken. It reserves nothing and counts nothing.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Member } from "./member.ts";

export interface WakerOptions {
  readonly queues: readonly QueueName[];
  /** `Leases.wake`. */
  wake(queues: readonly QueueName[], signal: AbortSignal): AsyncIterable<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const againAfterMs = 500;

export class Waker implements Service {
  readonly #options: WakerOptions;
  readonly #idle = new Set<Member>();
  /** The bell rang while nobody was idle: the first that becomes so may have looked before the message was there. */
  #missed = false;
  #someoneIdle: (() => void) | undefined;
  #abort = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.#running ??= this.#listen(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#someoneIdle?.();
    await this.#running;
    this.#running = undefined;
    this.#idle.clear();
  }

  get idle(): number {
    return this.#idle.size;
  }

  becameIdle(member: Member): void {
    this.#idle.add(member);
    this.#someoneIdle?.();
    if (!this.#missed) return;
    this.#missed = false;
    this.ring();
  }

  /** Its batch was full: there is probably more for another. */
  foundMore(member: Member): void {
    this.#idle.delete(member);
    if (this.#idle.size > 0) this.ring();
  }

  gone(member: Member): void {
    this.#idle.delete(member);
  }

  /** Wakes one idle runner. */
  ring(): void {
    for (const member of this.#idle) {
      this.#idle.delete(member);
      if (member.stage !== "ready") continue;
      member.runner.send({ t: "wake", epoch: member.epoch });
      return;
    }
    this.#missed = true;
  }

  /** Something may be wrong with bells: everybody looks for himself. */
  async restart(members: readonly Member[]): Promise<void> {
    await this.stop();
    for (const member of members) member.runner.send({ t: "wake", epoch: member.epoch });
    await this.start();
  }

  async #idleOrStopped(signal: AbortSignal): Promise<void> {
    while (this.#idle.size === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.#someoneIdle = resolve));
    this.#someoneIdle = undefined;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { queues, wake, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const _ of wake(queues, signal)) {
          this.ring();
          // Under load nobody listens: a bell that is heard while messages wait and all are busy would ring without end.
          await this.#idleOrStopped(signal);
          // A bell that rings without end must not keep a node that stops.
          if (signal.aborted) break;
        }
      } catch (error) {
        if (!signal.aborted) log.warn("waker.failed", { error });
      }
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
    }
  }
}
