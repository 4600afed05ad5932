/**
 * Says what becomes of this runner's tasks, while somebody listens (the slot table knows). What is said in one turn of the loop leaves
 * as one message, in one packet with the commit that leaves then; nothing waits for it, and what does not arrive is not said again.
 * An end is said when the store has taken it.
 */

import { encodeEvents, eventText } from "../../events/envelope.ts";
import { type EventOrigin, newEvent, taskBatchKey } from "../../events/event.ts";
import type { EventLink } from "../../events/event-link.ts";
import { endedEvents, receivedEvent, startedEvent, type TaskEvent } from "../../events/task-events.ts";
import { LamportClock } from "../../kernel/lamport-clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { soon } from "../../kernel/soon.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import type { RunnerSpec } from "../../pool/protocol.ts";
import type { SlotTable } from "../../pool/slot-table.ts";
import type { Registry } from "../../task/registry.ts";
import type { Attempt } from "../../upkeep/attempt.ts";

export interface TaskReporterOptions {
  readonly link: EventLink;
  readonly spec: Pick<RunnerSpec, "nodeName" | "nodeStartedAt">;
  readonly slots: SlotTable;
  readonly registry: Registry;
  readonly log: Logger;
}

/** A message of so many events leaves at once: one of 30 KB is no burden for a listener, and worth its envelope. */
const mostInMessage = 100;

export class TaskReporter {
  readonly #options: TaskReporterOptions;
  readonly #origin: EventOrigin;
  #texts: string[] = [];
  #failed = false;
  /** Until all that was said so far has left. */
  #leaving: Promise<void> | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(options: TaskReporterOptions) {
    this.#options = options;
    const { nodeName, nodeStartedAt } = options.spec;
    this.#origin = { hostname: nodeName, pid: process.pid, clock: new LamportClock(nodeStartedAt) };
  }

  received(message: TaskMessage): void {
    if (this.#wanted(message)) this.#add(receivedEvent(message));
  }

  /** Resolves when all that was said has left: code that blocks the loop, and is killed for it, would keep it for ever. undefined: nobody listens. */
  started(message: TaskMessage): Promise<void> | undefined {
    if (!this.#options.slots.wantsEvents) return undefined;
    if (this.#wanted(message)) this.#add(startedEvent(message));
    this.#leaving ??= this.#left();
    return this.#leaving;
  }

  async #left(): Promise<void> {
    let sent = this.#sent;
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#options.link.leavesLate && sent !== this.#sent) {
      sent = this.#sent;
      await sent;
    }
    this.#leaving = undefined;
  }

  /** It took effect. */
  ended({ rules }: Attempt): void {
    if (!this.#options.slots.wantsEvents) return;
    const { ending } = rules;
    if (ending !== undefined && this.#wanted(ending.message)) for (const event of endedEvents(ending)) this.#add(event);
  }

  #wanted({ task }: TaskMessage): boolean {
    const { slots, registry } = this.#options;
    return slots.wantsEvents && (registry.get(task)?.settings.sendEvents ?? true);
  }

  #add({ type, fields }: TaskEvent): void {
    // What the same callback brings goes along, and the packet leaves after it.
    if (this.#texts.length === 0) soon(() => this.#flush());
    this.#texts.push(eventText(newEvent(this.#origin, type, fields)));
    if (this.#texts.length >= mostInMessage) this.#flush();
  }

  #flush(): void {
    if (this.#texts.length === 0) return;
    const envelope = encodeEvents(this.#origin.hostname, taskBatchKey, `[${this.#texts.join(",")}]`);
    this.#texts = [];
    this.#sent = this.#options.link.publish({ routingKey: taskBatchKey, envelope }, { withCommits: true }).then(
      () => {
        this.#failed = false;
      },
      (error: unknown) => {
        if (!this.#failed) this.#options.log.debug("events.unsent", { error });
        this.#failed = true;
      },
    );
  }
}
