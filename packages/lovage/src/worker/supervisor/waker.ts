/**
 * Waits for messages on behalf of all idle runners: one bell for the node, rung by the store. Wakes one runner per ring; a runner
 * whose batch came back full has the next one woken. It reserves nothing and counts nothing.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import type { QueueName } from "../../message/task-message.ts";
import { Bell } from "../bell.ts";
import type { Member } from "./member.ts";

export interface WakerOptions {
  readonly queues: readonly QueueName[];
  /** `Leases.wake`. */
  wake(queues: readonly QueueName[], signal: AbortSignal): AsyncIterable<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Waker implements Service {
  readonly #bell: Bell;
  readonly #idle = new Set<Member>();
  /** The bell rang while nobody was idle: the first that becomes so may have looked before the message was there. */
  #missed = false;

  constructor(options: WakerOptions) {
    this.#bell = new Bell({ ...options, isWanted: () => this.#idle.size > 0, ring: () => this.ring() });
  }

  async start(): Promise<void> {
    this.#bell.start();
  }

  async stop(): Promise<void> {
    await this.#bell.stop();
    this.#idle.clear();
  }

  listenTo(queues: readonly QueueName[]): void {
    this.#bell.listenTo(queues);
  }

  get idle(): number {
    return this.#idle.size;
  }

  becameIdle(member: Member): void {
    this.#idle.add(member);
    this.#bell.changed();
    if (!this.#missed) return;
    this.#missed = false;
    this.ring();
  }

  /** Its batch was full: there is probably more for another. */
  foundMore(member: Member): void {
    this.#idle.delete(member);
    if (this.#idle.size > 0) this.ring();
  }

  /** It has something to do, or is gone. */
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
}
