/** Records in flight, parked and dead, as scripts/include/record.lua knows them: a short header, then the untouched envelope. */
import type { Delivery, DeliveryId, ParkReason } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Arg } from "./resp.ts";

const recordVersion = 1;
/** Version, flags, bucket: 1 byte each; lengths of key prefix, queue name and list key: 2 each. */
const fixedBytes = 9;
const ackedEarlyFlag = 1;
const parkCodes: Readonly<Record<ParkReason, number>> = { eta: 1, retry: 2, rate: 3, "unknown-task": 4, concurrency: 5 };

/** In the high half of the flags byte: why a message is parked. */
export const parkFlags = (why: ParkReason): number => parkCodes[why] << 4;

/** The same, read. */
export function parkReasonOf(record: Buffer): ParkReason {
  const code = (record[1] ?? 0) >> 4;
  const found = (Object.keys(parkCodes) as ParkReason[]).find((why) => parkCodes[why] === code);
  return found ?? "eta";
}

export interface RecordHeader {
  readonly list: string;
  readonly queue: QueueName;
  readonly bucket: number;
  readonly prefixBytes: number;
  readonly flags?: number;
}

/** A string where its bytes and their UTF-8 are the same, which costs the client less than a buffer. */
export function encodeHeader({ list, queue, bucket, prefixBytes, flags = 0 }: RecordHeader): Arg {
  const header = Buffer.alloc(fixedBytes);
  header[0] = recordVersion;
  header[1] = flags;
  header[2] = bucket;
  header.writeUInt16BE(prefixBytes, 3);
  header.writeUInt16BE(Buffer.byteLength(queue), 5);
  header.writeUInt16BE(Buffer.byteLength(list), 7);
  if (header.every((byte) => byte < 0x80)) return header.toString("latin1") + list;
  return Buffer.concat([header, Buffer.from(list)]);
}

export function decodeRecord(id: DeliveryId, record: Buffer): Delivery {
  const prefixBytes = record.readUInt16BE(3);
  const queueBytes = record.readUInt16BE(5);
  const listBytes = record.readUInt16BE(7);
  const queueAt = fixedBytes + prefixBytes;
  return {
    id,
    queue: record.toString("utf8", queueAt, queueAt + queueBytes),
    bucket: record[2] ?? 0,
    bytes: record.subarray(fixedBytes + listBytes),
    ackedEarly: ((record[1] ?? 0) & ackedEarlyFlag) !== 0,
  };
}
