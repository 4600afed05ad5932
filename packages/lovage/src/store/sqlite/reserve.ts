/** Pops messages and records them in flight; runs within a write. */
import type { ReserveCall, Reserved } from "../../broker/broker.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { rotated } from "../priority.ts";
import { blob, type Row } from "./driver.ts";
import type { EpochRow } from "./epochs.ts";
import { revokesVersion } from "./revokes.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

export function reserve(view: View, call: ReserveCall, epoch: EpochRow): Reserved {
  const deliveries = call.number > epoch.lastCall ? take(view, call, epoch) : again(view, call, epoch);
  return { deliveries, storeNow: view.now(), revokesVersion: revokesVersion(view) };
}

/** The call was made before: what it gave and what is still in flight. */
function again(view: View, call: ReserveCall, epoch: EpochRow): readonly Delivery[] {
  const rows = view.file.database.all(sql.heldByCall, { epoch: epoch.id, call: call.number });
  return rows.map((row) => toDelivery(view, call.epoch, row));
}

function take(view: View, call: ReserveCall, epoch: EpochRow): readonly Delivery[] {
  const { database } = view.file;
  const messages = chosen(view, call);
  const first = epoch.lastNumber + 1;
  database.run(sql.called, { id: epoch.id, call: call.number, number: epoch.lastNumber + messages.length });
  if (messages.length === 0) return [];
  const ids = JSON.stringify(messages.map((message) => message.id));
  const rows = database.all(sql.take, { ids, epoch: epoch.id, call: call.number, first });
  const bytes = new Map(rows.map((row) => [Number(row.position), blob(row.bytes)]));
  return messages.map(({ queue, bucket }, i) => {
    const number = first + i;
    return { id: { epoch: call.epoch, number }, queue, bucket, bytes: bytes.get(number) as Uint8Array, ackedEarly: false };
  });
}

interface Candidate {
  readonly id: number;
  readonly bucket: number;
  readonly queue: QueueName;
}

/** Bucket by bucket; within one, a message from each queue in turn, in the order that this call's number gives. */
function chosen(view: View, call: ReserveCall): readonly Candidate[] {
  const waiting = rotated([...new Set(call.queues)], call.number)
    .map((queue) => candidates(view, queue, call))
    .filter((line) => line.length > 0);
  const [only] = waiting;
  if (only && waiting.length === 1) return only;
  const heads = waiting.map(() => 0);
  const out: Candidate[] = [];
  while (out.length < call.count) {
    const buckets = waiting.flatMap((line, i) => line[heads[i] ?? 0]?.bucket ?? []);
    if (buckets.length === 0) break;
    const bucket = call.lowestFirst ? Math.max(...buckets) : Math.min(...buckets);
    for (const [i, line] of waiting.entries()) {
      const head = line[heads[i] ?? 0];
      if (head?.bucket !== bucket || out.length === call.count) continue;
      out.push(head);
      heads[i] = (heads[i] ?? 0) + 1;
    }
  }
  return out;
}

function candidates(view: View, queue: QueueName, { count: limit, lowestFirst }: ReserveCall): readonly Candidate[] {
  const id = view.file.queueId(view.queueKey(queue));
  if (id === undefined || limit <= 0) return [];
  const rows = view.file.database.all(lowestFirst ? sql.nextWaitingLowest : sql.nextWaiting, { queue: id, limit });
  return rows.map((row) => ({ id: Number(row.id), bucket: Number(row.bucket), queue }));
}

export const toDelivery = (view: View, epoch: Epoch, row: Row): Delivery => ({
  id: { epoch, number: Number(row.number) },
  queue: String(row.queue).slice(view.options.keyPrefix.length),
  bucket: Number(row.bucket),
  bytes: blob(row.bytes),
  ackedEarly: row.ackedEarly === 1,
});
