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
import type { Commit, CommitReply, Epoch, Mark } from "../../message/commit.ts";
import { countedFields } from "../counted.ts";
import { assertSizes } from "../sizes.ts";
import { startChord } from "./chords.ts";
import { applyCommit } from "./commits.ts";
import { closedEpoch, type EpochRow, liveEpoch } from "./epochs.ts";
import { enqueue, SqliteQueues } from "./queues.ts";
import { reserve } from "./reserve.ts";
import { writeResult } from "./results.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

/**
 * One call is one transaction, or its share of one. The transaction runs in this process, so no reply can be lost between it
 * and the caller, and a publish needs no call id to be recognised by: what failed was not written.
 */
export class SqliteBroker implements Broker {
  readonly features: BrokerFeatures = { atomicResults: true, shared: true };
  readonly queues: QueueAdmin;
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
    this.queues = new SqliteQueues(view);
  }

  async publish(publication: Publication, options: { readonly deadlineMs?: number } = {}): Promise<void> {
    const view = this.#view;
    assertSizes(publication, view.file.location.maxBytes);
    await view.write(
      "publish to",
      (_, touched) => {
        for (const start of publication.chords ?? []) startChord(view, start);
        for (const message of publication.messages) enqueue(view, touched, message);
      },
      { deadlineMs: options.deadlineMs, taskIds: publication.messages.map((message) => message.taskId) },
    );
  }

  reserve(call: ReserveCall): Promise<Reserved> {
    return this.#view.write("reserve from", () => reserve(this.#view, call, liveEpoch(this.#view, call.epoch)));
  }

  commit(epoch: Epoch, batch: readonly Commit[], options: CommitOptions = {}): Promise<Committed> {
    const view = this.#view;
    return view.write("commit to", (_, touched) => {
      const row = options.onBehalf ? closedEpoch(view, epoch) : liveEpoch(view, epoch);
      const { reserveNext } = options;
      const next = reserveNext && liveEpoch(view, reserveNext.epoch);
      const replies = this.#apply(touched, row, batch);
      return reserveNext && next ? { replies, reserved: reserve(view, reserveNext, next) } : { replies };
    });
  }

  #apply(touched: Touched, epoch: EpochRow, batch: readonly Commit[]): readonly CommitReply[] {
    const counts = new Map<string, number>();
    const replies = batch.map((commit) => {
      const reply = applyCommit(this.#view, touched, epoch, commit);
      if (reply.kind !== "applied") return reply;
      for (const field of countedFields(commit.count)) counts.set(field, (counts.get(field) ?? 0) + 1);
      return reply;
    });
    for (const [field, by] of counts) this.#view.file.database.run(sql.addCount, { space: this.#view.space, field, by });
    return replies;
  }

  mark(epoch: Epoch, batch: readonly Mark[]): Promise<readonly ("ok" | "fenced")[]> {
    const view = this.#view;
    return view.write("mark in", (database, touched) => {
      const row = liveEpoch(view, epoch);
      return batch.map((mark) => {
        const held = database.get(sql.findHeld, { epoch: row.id, number: mark.number });
        if (!held) return "fenced";
        if (mark.kind === "state") writeResult(view, touched, mark.result, "running");
        else database.run(sql.markEarly, { id: Number(held.id) });
        return "ok";
      });
    });
  }
}
