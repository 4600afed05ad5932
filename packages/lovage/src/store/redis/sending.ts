/** Messages and chord starts as arguments of a script (scripts/include/sending.lua). */
import type { ChordStart, Outgoing } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { encodeHeader, parkFlags } from "./record.ts";
import type { Arg } from "./resp.ts";

export const bytesArg = (bytes: Uint8Array | string): Arg =>
  typeof bytes === "string" || Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const expiryArg = (expiresMs: number | null | undefined): string =>
  expiresMs === null || expiresMs === undefined ? "" : String(Math.max(1, Math.ceil(expiresMs)));

/**
 * kombu declares a queue once per connection, so that `_kombu.binding.<queue>` is there for Python's lookups
 * (celery-wire.md §1.4). What was sent on a connection that broke is sent again.
 */
export class Declared {
  readonly #link: Link;
  readonly #queues = new Set<QueueName>();
  #generation = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Those of the queues that this connection has not declared yet. */
  missing(queues: Iterable<QueueName>): QueueName[] {
    if (this.#generation !== this.#link.generation || this.#queues.size > 10_000) {
      this.#queues.clear();
      this.#generation = this.#link.generation;
    }
    return [...queues].filter((queue) => !this.#queues.has(queue));
  }

  add(queues: readonly QueueName[]): void {
    for (const queue of queues) this.#queues.add(queue);
  }
}

/** Groups by list, so that a thousand messages of one queue are one LPUSH. Returns the queues they name. */
export function pushSending(
  args: Arg[],
  keys: Keys,
  declared: Declared,
  sending: { readonly messages: readonly Outgoing[]; readonly chords?: readonly ChordStart[] },
): QueueName[] {
  const queues = new Set<QueueName>();
  const lists = new Map<string, Arg[]>();
  const parked: Outgoing[] = [];
  for (const message of sending.messages) {
    queues.add(message.queue);
    if (message.parkMs !== undefined && message.parkMs > 0) {
      parked.push(message);
      continue;
    }
    const list = keys.list(message.queue, keys.bucket(message.priority));
    const bytes = lists.get(list);
    if (bytes) bytes.push(bytesArg(message.bytes));
    else lists.set(list, [bytesArg(message.bytes)]);
  }
  const undeclared = declared.missing(queues);
  args.push(String(undeclared.length));
  for (const queue of undeclared) args.push(keys.bindings + queue, keys.bindingMember(queue));
  pushChords(args, keys, sending.chords ?? []);
  args.push(String(lists.size));
  for (const [list, bytes] of lists) {
    args.push(list, String(bytes.length));
    for (const one of bytes) args.push(one);
  }
  args.push(String(parked.length));
  for (const message of parked) args.push(String(Math.ceil(message.parkMs ?? 0)), parkedHeader(keys, message), bytesArg(message.bytes));
  return undeclared;
}

function pushChords(args: Arg[], keys: Keys, chords: readonly ChordStart[]): void {
  args.push(String(chords.length));
  for (const { groupId, size, expiresMs, taskset } of chords) {
    const key = keys.taskset(groupId);
    args.push(`${key}.s`, String(size), expiryArg(expiresMs), keys.closedChord(groupId), key, taskset ?? "");
  }
}

function parkedHeader(keys: Keys, { queue, priority }: Outgoing): Arg {
  const bucket = keys.bucket(priority);
  return encodeHeader({ list: keys.list(queue, bucket), queue, bucket, prefixBytes: keys.prefixBytes, flags: parkFlags("eta") });
}
