import type { Fleet, Leases, NodeId, NodeInfo, Reassigned } from "../../broker/leases.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { epochClosed, nodeClosed } from "../refusals.ts";
import type { Database } from "./database.ts";
import { findEpoch, liveEpoch } from "./epochs.ts";
import { moveDueLines, nextDueMs } from "./limits.ts";
import { bytesOf } from "./queues.ts";
import { toDelivery } from "./reserve.ts";
import * as sql from "./sql/statements.ts";
import { isSweepDue, sweep } from "./sweep.ts";
import { topics } from "./topics.ts";
import type { View } from "./view.ts";

export class SqliteLeases implements Leases {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  announce(node: NodeInfo): Promise<void> {
    const { space } = this.#view;
    return this.#view.write("announce a node in", (database) => {
      const found = database.get(sql.node, { space, id: node.id });
      if (found && found.closedAt !== null) throw nodeClosed(node.id);
      database.run(sql.announce, { space, id: node.id, info: JSON.stringify(node) });
    });
  }

  open(node: NodeId, epoch: Epoch): Promise<void> {
    const { space } = this.#view;
    return this.#view.write("open an epoch in", (database) => {
      this.#assertLive(database, node);
      const found = findEpoch(this.#view, epoch);
      if (found?.closedAt === null && found.node === node) return;
      if (found) throw epochClosed(epoch);
      database.run(sql.openEpoch, { space, name: epoch, node });
    });
  }

  #assertLive(database: Database, node: NodeId): void {
    const found = database.get(sql.node, { space: this.#view.space, id: node });
    if (!found || found.closedAt !== null) throw nodeClosed(node);
  }

  beat(node: NodeId): Promise<Fleet> {
    return this.#view.write("beat in", (database) => {
      if (!database.get(sql.beat, { space: this.#view.space, id: node })) throw nodeClosed(node);
      return this.#fleet(database);
    });
  }

  fleet(): Promise<Fleet> {
    return this.#view.read((database) => this.#fleet(database));
  }

  #fleet(database: Database): Fleet {
    const { space } = this.#view;
    const nodes = database.all(sql.nodes, { space });
    return {
      nodes: nodes.map((row) => ({ info: JSON.parse(String(row.info)) as NodeInfo, count: Number(row.count) })),
      orphans: database.all(sql.orphans, { space }).map((row) => String(row.name)),
    };
  }

  held(epoch: Epoch): Promise<readonly Delivery[]> {
    return this.#view.read((database) => this.#held(database, epoch));
  }

  #held(database: Database, epoch: Epoch): readonly Delivery[] {
    const found = findEpoch(this.#view, epoch);
    return found ? database.all(sql.held, { epoch: found.id }).map((row) => toDelivery(this.#view, epoch, row)) : [];
  }

  close(epoch: Epoch): Promise<readonly Delivery[]> {
    return this.#view.write("close an epoch in", (database) => {
      database.run(sql.closeEpoch, { space: this.#view.space, name: epoch, now: this.#view.now() });
      return this.#held(database, epoch);
    });
  }

  closeNode(node: NodeId, count?: number): Promise<readonly Epoch[] | null> {
    const { space } = this.#view;
    return this.#view.write("close a node in", (database) => {
      const found = database.get(sql.node, { space, id: node });
      if (!found || found.closedAt !== null) return [];
      if (count !== undefined && found.count !== count) return null;
      const now = this.#view.now();
      database.run(sql.closeNode, { space, id: node, now });
      return database.all(sql.closeEpochsOf, { space, node, now }).map((row) => String(row.name));
    });
  }

  reassign(from: Epoch, to: Epoch, moves: readonly Reassigned[]): Promise<void> {
    return this.#view.write("reassign deliveries in", (database) => {
      const taker = liveEpoch(this.#view, to);
      const giver = findEpoch(this.#view, from);
      if (!giver) return;
      let position = taker.lastNumber;
      for (const { number, bytes } of moves) {
        const found = database.get(sql.findHeld, { epoch: giver.id, number });
        if (!found) continue;
        position += 1;
        const move = { id: Number(found.id), epoch: taker.id, position, bytes: bytes === undefined ? null : bytesOf(bytes) };
        database.run(sql.reassign, move);
      }
      database.run(sql.called, { id: taker.id, call: taker.lastCall, number: position });
    });
  }

  async promote(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs: number | null; readonly storeNow: number }> {
    const storeNow = this.#view.now();
    const due = await this.#nextDue();
    // Most looks find nothing: they must not cost a transaction.
    const isDue = due !== null && due <= storeNow;
    if (!isDue && !isSweepDue(this.#view)) return { promoted: 0, nextDueMs: due, storeNow };
    const promoted = await this.#view.write("promote messages in", (database, touched) => {
      sweep(this.#view);
      const rows = database.all(sql.due, { now: storeNow, limit });
      // The one that was due first goes to the front last, so that it is the next one out.
      for (const row of [...rows].reverse()) {
        const { id, queue, bucket } = row as { id: number; queue: number; bucket: number };
        database.run(sql.requeueFront, { id, queue, bucket, bytes: null });
        touched.add(topics.queue(String(row.name)));
      }
      return rows.length + moveDueLines(this.#view, touched, limit);
    });
    return { promoted, nextDueMs: await this.#nextDue(), storeNow };
  }

  #nextDue(): Promise<number | null> {
    return this.#view.read(() => nextDueMs(this.#view));
  }

  async *wake(queues: readonly QueueName[], signal: AbortSignal): AsyncGenerator<void> {
    const view = this.#view;
    const isOver = () => signal.aborted || view.closing.aborted;
    const names = queues.map((queue) => view.queueKey(queue));
    const listener = view.changes.listen([...names.map(topics.queue), topics.elsewhere]);
    try {
      yield;
      while (!isOver()) {
        await listener.rung(signal);
        if (!isOver() && (await view.read((database) => this.#isAnyWaiting(database, names)))) yield;
      }
    } finally {
      listener.close();
    }
  }

  /** A change elsewhere may have been any. */
  #isAnyWaiting(database: Database, names: readonly string[]): boolean {
    return names.some((name) => {
      const queue = this.#view.file.queueId(name);
      return queue !== undefined && database.get(sql.anyWaiting, { queue }) !== undefined;
    });
  }
}
