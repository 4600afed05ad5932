/** The queues that a node consumes, which may become others while it runs. Tells those who have to know; moves no message itself. */
import type { ConsumedQueue, NodeQueues } from "../../control/node-view.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Member } from "./member.ts";

export interface ConsumedQueuesOptions {
  readonly names: readonly QueueName[];
  readonly log: Logger;
  /** So that whoever publishes to its exchange finds it. Absent: nobody else publishes here. */
  bind?(queue: ConsumedQueue): Promise<void>;
  members(): readonly Member[];
  /** `taken`: those from which runners are to take messages. */
  onChanged(taken: readonly QueueName[]): void;
}

const exchangeTypes = ["direct", "topic", "fanout"];

const plain = (name: QueueName): ConsumedQueue => ({ name, exchange: name, exchangeType: "direct", routingKey: name });

export class ConsumedQueues implements NodeQueues {
  readonly #options: ConsumedQueuesOptions;
  readonly #queues: Map<QueueName, ConsumedQueue>;
  #paused: readonly QueueName[] = [];
  #isChanged = false;

  constructor(options: ConsumedQueuesOptions) {
    this.#options = options;
    this.#queues = new Map(options.names.map((name) => [name, plain(name)]));
  }

  get names(): readonly QueueName[] {
    return [...this.#queues.keys()];
  }

  /** Without those that are paused. */
  get taken(): readonly QueueName[] {
    return this.#paused.length === 0 ? this.names : this.names.filter((name) => !this.#paused.includes(name));
  }

  /** Which queues are paused now, its own or not. */
  pause(paused: readonly QueueName[]): void {
    const before = this.taken;
    this.#paused = paused;
    const { taken } = this;
    if (taken.length === before.length && taken.every((name) => before.includes(name))) return;
    this.#options.log.info("consuming.paused", { paused: this.names.filter((name) => paused.includes(name)), queues: taken });
    this.#tell();
  }

  consumed(): readonly ConsumedQueue[] {
    return [...this.#queues.values()];
  }

  async add({ name, ...how }: Parameters<NodeQueues["add"]>[0]): Promise<void> {
    const queue = { ...plain(name), ...how };
    if (!exchangeTypes.includes(queue.exchangeType))
      throw new UsageError(
        "LOVAGE_EXCHANGE_TYPE",
        `Cannot bind queue "${name}" to an exchange of type "${queue.exchangeType}": expected one of ${exchangeTypes.join(", ")}.`,
        { details: { queue: name, exchangeType: queue.exchangeType } },
      );
    await this.#options.bind?.(queue);
    if (this.#queues.has(name)) return;
    this.#queues.set(name, queue);
    this.#changed("consuming.added", name);
  }

  /** What it has not begun of it goes back; what runs goes on. */
  cancel(name: QueueName): void {
    if (this.#queues.delete(name)) this.#changed("consuming.cancelled", name);
  }

  /** What it was given at its start may be old. */
  spawned({ runner, epoch, alone }: Member): void {
    if (this.#isChanged && !alone) runner.send({ t: "queues", epoch, queues: this.taken });
  }

  #changed(what: string, queue: QueueName): void {
    this.#options.log.info(what, { queue, queues: this.names });
    this.#tell();
  }

  #tell(): void {
    this.#isChanged = true;
    for (const member of this.#options.members()) this.spawned(member);
    this.#options.onChanged(this.taken);
  }
}
