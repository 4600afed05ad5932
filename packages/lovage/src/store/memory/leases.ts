import type { Fleet, Leases, NodeId, NodeInfo, Reassigned } from "../../broker/leases.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { epochClosed, nodeClosed } from "../refusals.ts";
import { toDelivery } from "./broker.ts";
import { moveDueLines, movePlaces } from "./limits.ts";
import { queueTopic } from "./queues.ts";
import { sweep } from "./sweep.ts";
import { bytesOf, type EpochRecord, type NodeRecord, type Parked, type View } from "./world.ts";

export class MemoryLeases implements Leases {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  async announce(node: NodeInfo): Promise<void> {
    const { nodes } = this.#view.space;
    const record = nodes.get(node.id);
    if (record?.closed) throw nodeClosed(node.id);
    nodes.set(node.id, { info: structuredClone(node), count: record?.count ?? 0, closed: false });
  }

  async open(node: NodeId, epoch: Epoch): Promise<void> {
    this.#live(node);
    const { epochs } = this.#view.space;
    const record = epochs.get(epoch);
    if (record?.open && record.node === node) return;
    if (record) throw epochClosed(epoch);
    epochs.set(epoch, newEpoch(node, true));
  }

  async beat(node: NodeId): Promise<Fleet> {
    this.#live(node).count += 1;
    return this.fleet();
  }

  async fleet(): Promise<Fleet> {
    const { nodes, epochs } = this.#view.space;
    const living = [...nodes.values()].filter((node) => !node.closed);
    const orphans = [...epochs].filter(([, epoch]) => !epoch.open && epoch.held.size > 0);
    return { nodes: living.map(({ info, count }) => ({ info, count })), orphans: orphans.map(([epoch]) => epoch) };
  }

  async held(epoch: Epoch): Promise<readonly Delivery[]> {
    const record = this.#view.space.epochs.get(epoch);
    return [...(record?.held ?? [])].map(([number, held]) => toDelivery(epoch, number, held));
  }

  async close(epoch: Epoch): Promise<readonly Delivery[]> {
    const { epochs } = this.#view.space;
    const record = epochs.get(epoch) ?? newEpoch("", false);
    record.open = false;
    epochs.set(epoch, record);
    return this.held(epoch);
  }

  async closeNode(node: NodeId, count?: number): Promise<readonly Epoch[] | null> {
    const { nodes, epochs } = this.#view.space;
    const record = nodes.get(node);
    if (!record || record.closed) return [];
    if (count !== undefined && record.count !== count) return null;
    record.closed = true;
    const closed = [...epochs].filter(([, epoch]) => epoch.open && epoch.node === node);
    for (const [, epoch] of closed) epoch.open = false;
    return closed.map(([epoch]) => epoch);
  }

  async reassign(from: Epoch, to: Epoch, moves: readonly Reassigned[]): Promise<void> {
    const { epochs } = this.#view.space;
    const taker = epochs.get(to);
    if (!taker?.open) throw epochClosed(to);
    for (const { number, bytes } of moves) {
      const held = epochs.get(from)?.held.get(number);
      if (!held) continue;
      epochs.get(from)?.held.delete(number);
      taker.lastNumber += 1;
      movePlaces(this.#view, held.holds ?? [], { epoch: from, number }, { epoch: to, number: taker.lastNumber });
      taker.held.set(taker.lastNumber, { ...held, call: -1, ...(bytes !== undefined && { bytes: bytesOf(bytes) }) });
    }
  }

  async promote(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs: number | null; readonly storeNow: number }> {
    const now = this.#view.now();
    sweep(this.#view);
    const { parked } = this.#view.queues;
    const notDue = parked.findIndex((message) => message.untilMs > now);
    const due = parked.splice(0, Math.min(limit, notDue < 0 ? parked.length : notDue));
    // The one that was due first is pushed last, so that it is the next one out.
    for (const message of due.reverse()) this.#toFront(message);
    const lines = moveDueLines(this.#view);
    const next = Math.min(parked[0]?.untilMs ?? Number.POSITIVE_INFINITY, lines.nextMs ?? Number.POSITIVE_INFINITY);
    return { promoted: due.length + lines.called, nextDueMs: next === Number.POSITIVE_INFINITY ? null : next, storeNow: now };
  }

  #toFront({ queue, bucket, bytes }: Parked): void {
    this.#view.queues.line(queue, bucket).pushFront(bytes);
    this.#view.changes.notify(queueTopic(queue));
  }

  async *wake(queues: readonly QueueName[], signal: AbortSignal): AsyncGenerator<void> {
    const isOver = () => signal.aborted || this.#view.closing.aborted;
    const listener = this.#view.changes.listen(queues.map(queueTopic));
    try {
      while (!isOver()) {
        yield;
        await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  #live(node: NodeId): NodeRecord {
    const record = this.#view.space.nodes.get(node);
    if (!record || record.closed) throw nodeClosed(node);
    return record;
  }
}

const newEpoch = (node: NodeId, open: boolean): EpochRecord => ({ node, open, lastCall: -1, lastNumber: 0, held: new Map() });
