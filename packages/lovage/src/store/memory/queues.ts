import type { Binding, QueueAdmin, QueueCounts, Removal, Standing, Waiting } from "../../broker/queue-admin.ts";
import { lookBehind, waitsForItsTime } from "../../broker/queue-admin.ts";
import type { Outgoing } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { peekUniqueHold } from "../../message/unique-hold.ts";
import { bucketOf } from "../priority.ts";
import type { Line } from "./line.ts";
import { freeUnique } from "./uniques.ts";
import { bytesOf, type Parked, type View } from "./world.ts";

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

  async page(queue: QueueName, from: number, limit: number): Promise<readonly Waiting[]> {
    const buckets = [...(this.#view.queues.lines.get(queue) ?? [])].sort(([a], [b]) => a - b);
    const all = buckets.flatMap(([bucket, line]) =>
      line.peek(from + limit).map((bytes) => ({ place: "waiting", queue, bucket, bytes }) as const),
    );
    return all.slice(from, from + limit).map((message, i) => ({ ...message, at: from + i }));
  }

  async counts(queues: readonly QueueName[]): Promise<readonly QueueCounts[]> {
    const { queues: set, space, options } = this.#view;
    const running = [...space.epochs.values()].flatMap(({ held }) => [...held.values()]);
    const of = (queue: QueueName, messages: readonly { readonly queue: QueueName }[]) =>
      messages.filter((message) => message.queue === queue).length;
    const steps = [...new Set(options.prioritySteps.length > 0 ? options.prioritySteps : [0])].sort((a, b) => a - b);
    return queues.map((queue) => ({
      waiting: steps.map((bucket) => ({ bucket, count: set.lines.get(queue)?.get(bucket)?.length ?? 0 })),
      parked: of(queue, set.parked),
      running: of(queue, running),
    }));
  }

  async rearrange(removals: readonly Removal[]): Promise<readonly boolean[]> {
    return removals.map((removal) => this.#take(removal));
  }

  #take({ message, to }: Removal): boolean {
    const { queues, changes } = this.#view;
    const { queue, bucket, bytes, place } = message;
    if (place === "running") return false;
    if (place === "parked") {
      const found = queues.parked.find((parked) => parked.queue === queue && same(parked.bytes, bytes));
      if (found === undefined || !queues.unpark(found)) return false;
      if (to === undefined) this.#giveUp([bytes]);
      else this.#parkElsewhere(found, { ...found, queue: to.queue, bytes: bytesOf(to.bytes) });
      return true;
    }
    const within = ((message as Partial<Waiting>).at ?? 0) + lookBehind;
    if (!queues.lines.get(queue)?.get(bucket)?.remove(bytes, within)) return false;
    if (to === undefined) this.#giveUp([bytes]);
    else {
      queues.line(to.queue, bucket).pushBack(bytesOf(to.bytes));
      changes.notify(queueTopic(to.queue));
    }
    return true;
  }

  /** A line in which it stands goes on with it. */
  #parkElsewhere(from: Parked, to: Parked): void {
    this.#view.queues.park(to);
    for (const { line } of this.#view.space.limits.values()) {
      const at = line.findIndex(({ parked }) => parked === from);
      const entry = line[at];
      if (entry !== undefined) line[at] = { ...entry, parked: to };
    }
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

  async bindings(): Promise<readonly Binding[]> {
    return (await this.names()).map((queue) => ({ exchange: queue, queue, routingKey: queue }));
  }

  async due(limit: number): Promise<readonly Standing[]> {
    return this.#view.queues.parked.map(standing).filter(waitsForItsTime).slice(0, limit);
  }

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const { queues, space } = this.#view;
    for (const [queue, buckets] of queues.lines)
      for (const [bucket, line] of buckets) yield line.peek(line.length).map((bytes) => ({ place: "waiting", queue, bucket, bytes }));
    yield queues.parked.map(standing);
    for (const [epoch, { held }] of space.epochs)
      yield [...held].map(([number, { queue, bucket, bytes }]) => ({ place: "running", queue, bucket, bytes, held: { epoch, number } }));
  }
}

function standing({ queue, bucket, bytes, why, untilMs }: Parked): Standing {
  const dueMs = untilMs === Number.POSITIVE_INFINITY ? null : untilMs;
  return { place: "parked", queue, bucket, bytes, parked: { id: "", why, dueMs } };
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
