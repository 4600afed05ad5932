import type { QueueAdmin, Standing } from "../../broker/broker.ts";
import type { Outgoing } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { peekUniqueHold } from "../../message/unique-hold.ts";
import { bucketOf } from "../priority.ts";
import type { Line } from "./line.ts";
import { freeUnique } from "./uniques.ts";
import { bytesOf, type View } from "./world.ts";

export const queueTopic = (queue: QueueName): string => `queue ${queue}`;

export function enqueue(view: View, message: Outgoing): void {
  const bucket = bucketOf(message.priority, view.options.prioritySteps);
  const bytes = bytesOf(message.bytes);
  if (message.parkMs !== undefined && message.parkMs > 0) {
    view.queues.park({ queue: message.queue, bucket, bytes, untilMs: view.now() + message.parkMs, why: "eta" });
    return;
  }
  view.queues.line(message.queue, bucket).pushBack(bytes);
  view.changes.notify(queueTopic(message.queue));
}

export class MemoryQueues implements QueueAdmin {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  /** A queue's lines, the most urgent first. */
  #lines(queue: QueueName): readonly Line[] {
    const buckets = [...(this.#view.queues.lines.get(queue) ?? [])].sort(([a], [b]) => a - b);
    return buckets.map(([, line]) => line);
  }

  async depth(queues: readonly QueueName[]): Promise<readonly number[]> {
    return queues.map((queue) => this.#lines(queue).reduce((sum, line) => sum + line.length, 0));
  }

  async peek(queue: QueueName, limit: number): Promise<readonly Uint8Array[]> {
    return this.#lines(queue)
      .flatMap((line) => line.peek(limit))
      .slice(0, limit);
  }

  async purge(queues: readonly QueueName[]): Promise<number> {
    let purged = 0;
    for (const queue of new Set(queues)) {
      for (const line of this.#lines(queue)) {
        this.#giveUp(line.peek(line.length));
        purged += line.clear();
      }
    }
    const { parked } = this.#view.queues;
    this.#giveUp(parked.filter((message) => queues.includes(message.queue)).map(({ bytes }) => bytes));
    const kept = parked.filter((message) => !queues.includes(message.queue));
    purged += parked.length - kept.length;
    parked.splice(0, parked.length, ...kept);
    return purged;
  }

  /** Tasks that go give their unique keys back. */
  #giveUp(messages: readonly Uint8Array[]): void {
    if (this.#view.space.uniques.size === 0) return;
    for (const bytes of messages) {
      const hold = peekUniqueHold(bytes);
      if (hold !== undefined) freeUnique(this.#view, hold);
    }
  }

  async names(): Promise<readonly QueueName[]> {
    return [...this.#view.queues.lines.keys()];
  }

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const { queues, space } = this.#view;
    for (const queue of queues.lines.keys())
      for (const line of this.#lines(queue)) yield line.peek(line.length).map((bytes) => ({ place: "waiting", bytes }));
    yield queues.parked.map(({ bytes }) => ({ place: "parked", bytes }));
    for (const { held } of space.epochs.values()) yield [...held.values()].map(({ bytes }) => ({ place: "running", bytes }));
  }
}
