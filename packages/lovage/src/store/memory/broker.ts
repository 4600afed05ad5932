import type {
  Broker,
  BrokerFeatures,
  CommitOptions,
  Committed,
  Publication,
  QueueAdmin,
  ReserveCall,
  Reserved,
} from "../../broker/broker.ts";
import type { Commit, Delivery, Epoch, Mark } from "../../message/commit.ts";
import { rotated } from "../priority.ts";
import { epochClosed, epochOpen, storeClosed } from "../refusals.ts";
import { assertSizes } from "../sizes.ts";
import { startChord } from "./chords.ts";
import { applyCommit } from "./commits.ts";
import { enqueue, MemoryQueues } from "./queues.ts";
import { writeResult } from "./results.ts";
import type { EpochRecord, Held, View } from "./world.ts";

/** A call either runs to its end before any other or throws before it wrote: that is all the atomicity there is to have here. */
export class MemoryBroker implements Broker {
  readonly features: BrokerFeatures = { atomicResults: true, shared: false };
  readonly queues: QueueAdmin;
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
    this.queues = new MemoryQueues(view);
  }

  async publish(publication: Publication): Promise<void> {
    if (this.#view.closing.aborted)
      throw storeClosed(
        this.#view.name,
        publication.messages.map((message) => message.taskId),
      );
    assertSizes(publication);
    for (const start of publication.chords ?? []) startChord(this.#view, start);
    for (const message of publication.messages) enqueue(this.#view, message);
  }

  async reserve(call: ReserveCall): Promise<Reserved> {
    this.#assertOpen();
    return this.#reserve(call, this.#live(call.epoch));
  }

  async commit(epoch: Epoch, batch: readonly Commit[], options: CommitOptions = {}): Promise<Committed> {
    this.#assertOpen();
    const record = options.onBehalf ? this.#closed(epoch) : this.#live(epoch);
    const { reserveNext } = options;
    const next = reserveNext && this.#live(reserveNext.epoch);
    const replies = batch.map((commit) => applyCommit(this.#view, record, commit));
    return reserveNext && next ? { replies, reserved: this.#reserve(reserveNext, next) } : { replies };
  }

  async mark(epoch: Epoch, batch: readonly Mark[]): Promise<readonly ("ok" | "fenced")[]> {
    this.#assertOpen();
    const record = this.#live(epoch);
    return batch.map((mark) => {
      const held = record.held.get(mark.number);
      if (!held) return "fenced";
      if (mark.kind === "acked-early") held.ackedEarly = true;
      else writeResult(this.#view, mark.result, true);
      return "ok";
    });
  }

  #assertOpen(): void {
    if (this.#view.closing.aborted) throw storeClosed(this.#view.name);
  }

  #live(epoch: Epoch): EpochRecord {
    const record = this.#view.space.epochs.get(epoch);
    if (!record?.open) throw epochClosed(epoch);
    return record;
  }

  #closed(epoch: Epoch): EpochRecord {
    const record = this.#view.space.epochs.get(epoch);
    if (!record) throw epochClosed(epoch);
    if (record.open) throw epochOpen(epoch);
    return record;
  }

  #reserve(call: ReserveCall, record: EpochRecord): Reserved {
    if (call.number > record.lastCall) {
      record.lastCall = call.number;
      this.#take(call, record);
    }
    const mine = [...record.held].filter(([, held]) => held.call === call.number);
    return {
      deliveries: mine.map(([number, held]) => toDelivery(call.epoch, number, held)),
      storeNow: this.#view.now(),
      revokesVersion: this.#view.space.revokesVersion,
    };
  }

  /** Bucket by bucket; within one, a message from each queue in turn. */
  #take(call: ReserveCall, record: EpochRecord): void {
    const { lines } = this.#view.queues;
    const queues = rotated([...new Set(call.queues)], call.number);
    const buckets = new Set(queues.flatMap((queue) => [...(lines.get(queue)?.keys() ?? [])]));
    let left = call.count;
    for (const bucket of [...buckets].sort((a, b) => (call.lowestFirst ? b - a : a - b))) {
      for (let taken = true; taken && left > 0; ) {
        taken = false;
        for (const queue of queues) {
          const bytes = left > 0 ? lines.get(queue)?.get(bucket)?.shift() : undefined;
          if (bytes === undefined) continue;
          taken = true;
          left -= 1;
          record.lastNumber += 1;
          record.held.set(record.lastNumber, { queue, bucket, bytes, call: call.number, ackedEarly: false });
        }
      }
    }
  }
}

export const toDelivery = (epoch: Epoch, number: number, held: Held): Delivery => ({
  id: { epoch, number },
  queue: held.queue,
  bucket: held.bucket,
  bytes: held.bytes,
  ackedEarly: held.ackedEarly,
});
