/**
 * All the data of one memory store, shared by every connection of this process that names it. It knows no rules: the files
 * beside it apply them. As on Redis, queues and results depend on their key prefixes, all else on the namespace.
 */
import type { DeadLetter } from "../../broker/dead-letters.ts";
import type { NodeInfo } from "../../broker/leases.ts";
import type { Demand, LimitName } from "../../broker/limits.ts";
import type { KeptRevoke } from "../../broker/revokes.ts";
import type { ChordPart, Epoch, ParkReason } from "../../message/commit.ts";
import type { QueueName, TaskId } from "../../message/task-message.ts";
import { Notifier } from "../notifier.ts";
import type { StoreOptions } from "../store.ts";
import { Line } from "./line.ts";
import { Wire } from "./wire.ts";

export interface Parked {
  readonly queue: QueueName;
  readonly bucket: number;
  readonly bytes: Uint8Array;
  readonly untilMs: number;
  readonly why: ParkReason;
}

export class QueueSet {
  readonly lines = new Map<QueueName, Map<number, Line>>();
  /** By the time they are due; what is parked later for the same instant stands later. */
  readonly parked: Parked[] = [];

  line(queue: QueueName, bucket: number): Line {
    const buckets = this.lines.get(queue) ?? new Map<number, Line>();
    this.lines.set(queue, buckets);
    const line = buckets.get(bucket) ?? new Line();
    buckets.set(bucket, line);
    return line;
  }

  park(parked: Parked): void {
    this.line(parked.queue, parked.bucket);
    let at = this.parked.length;
    while (at > 0 && (this.parked[at - 1] as Parked).untilMs > parked.untilMs) at -= 1;
    this.parked.splice(at, 0, parked);
  }

  /** False: it is not parked any more. */
  unpark(parked: Parked): boolean {
    const at = this.parked.indexOf(parked);
    if (at >= 0) this.parked.splice(at, 1);
    return at >= 0;
  }
}

/** `expiresAt`: milliseconds of the store's clock; null: kept. */
export interface Kept<T> {
  readonly value: T;
  readonly expiresAt: number | null;
}

export interface Chord {
  size: number | undefined;
  growth: number;
  readonly parts: Map<string, ChordPart>;
  expiresAt: number | null;
}

export class ResultSet {
  readonly documents = new Map<string, Kept<{ readonly state: string; readonly document: string }>>();
  readonly groups = new Map<string, Kept<string>>();
  readonly chords = new Map<string, Chord>();
}

export interface Held {
  readonly queue: QueueName;
  readonly bucket: number;
  readonly bytes: Uint8Array;
  readonly call: number;
  ackedEarly: boolean;
  /** Limits at which it has a place; undefined: it was not granted any. */
  holds?: LimitName[];
}

/** One limit: who has a place, who waits in which order, and who was called back and has not come yet, until when. */
export interface Limit {
  allows: Demand;
  nextMs: number;
  readonly held: Set<string>;
  readonly line: { readonly place: number; readonly taskId: TaskId; readonly parked: Parked }[];
  readonly called: Map<TaskId, number>;
  /** When time alone makes room; null: it does not. */
  lookAt: number | null;
}

export interface EpochRecord {
  readonly node: string;
  open: boolean;
  lastCall: number;
  lastNumber: number;
  /** By delivery number, oldest first. */
  readonly held: Map<number, Held>;
}

export interface NodeRecord {
  info: NodeInfo;
  count: number;
  closed: boolean;
}

export interface StateLog {
  readonly entries: { readonly id: string; readonly data: Uint8Array }[];
  expiresAt: number | null;
}

export class Space {
  readonly epochs = new Map<Epoch, EpochRecord>();
  readonly nodes = new Map<string, NodeRecord>();
  readonly dead: DeadLetter[] = [];
  readonly limits = new Map<LimitName, Limit>();
  /** By task, the limit that called it back. */
  readonly called = new Map<TaskId, LimitName>();
  /** By unique key, the task that has it. */
  readonly uniques = new Map<string, Kept<TaskId>>();
  readonly counters = new Map<string, number>();
  readonly revokes: (Kept<KeptRevoke> & { readonly version: number })[] = [];
  revokesVersion = 0;
  readonly documents = new Map<string, Kept<{ readonly bytes: Uint8Array; readonly version: number }>>();
  readonly tallies = new Map<string, Map<string, number>>();
  readonly logs = new Map<string, StateLog>();
  readonly wire = new Wire();
  /** When expired entries were last dropped, by the store's clock. */
  sweptAt = Number.NEGATIVE_INFINITY;
}

export class World {
  readonly changes = new Notifier();
  readonly #queues = new Map<string, QueueSet>();
  readonly #results = new Map<string, ResultSet>();
  readonly #spaces = new Map<string, Space>();
  #sequence = 0;

  queues(prefix: string): QueueSet {
    return madeOnce(this.#queues, prefix, () => new QueueSet());
  }

  results(prefix: string): ResultSet {
    return madeOnce(this.#results, prefix, () => new ResultSet());
  }

  space(namespace: string): Space {
    return madeOnce(this.#spaces, namespace, () => new Space());
  }

  /** Grows with every write of the state store, so that a key deleted and written again never meets an old version. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

function madeOnce<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** What one connection sees of a world. */
export interface View {
  readonly name: string;
  readonly options: StoreOptions;
  readonly changes: Notifier;
  readonly queues: QueueSet;
  readonly results: ResultSet;
  readonly space: Space;
  nextSequence(): number;
  /** Milliseconds since 1970 by the store's clock. */
  now(): number;
  /** Aborts when the connection closes. */
  readonly closing: AbortSignal;
}

export const alive = (kept: { readonly expiresAt: number | null }, now: number): boolean => kept.expiresAt === null || kept.expiresAt > now;

export const expiry = (now: number, expiresMs: number | null | undefined): number | null =>
  expiresMs === null || expiresMs === undefined ? null : now + expiresMs;

const encoder = new TextEncoder();
/** A copy, so that what a caller does with its buffer later changes nothing here. */
export const bytesOf = (data: Uint8Array | string): Uint8Array => (typeof data === "string" ? encoder.encode(data) : Uint8Array.from(data));
