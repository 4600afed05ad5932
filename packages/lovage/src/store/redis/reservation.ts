/** A runner's call for messages: its arguments, and what comes back (scripts/include/reserve.lua). */
import type { ReserveCall, Reserved } from "../../broker/broker.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Keys } from "./keys.ts";
import { decodeRecord, encodeHeader } from "./record.ts";
import { asBytes, asList, asNumber, asText } from "./reply.ts";
import type { Arg, Reply } from "./resp.ts";

interface Source {
  readonly queue: QueueName;
  readonly bucket: number;
}

interface Plan {
  readonly sources: readonly Source[];
  /** Priorities, queues, then list and header of each source. */
  readonly args: readonly Arg[];
}

/** The sources of a call, priority by priority. Runners ask for the same queues all their life, so plans are kept. */
export class Plans {
  readonly #keys: Keys;
  readonly #plans = new Map<string, Plan>();

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  of({ queues, lowestFirst = false }: ReserveCall): Plan {
    const name = lowestFirst ? `\n${queues.join("\n")}` : queues.join("\n");
    const known = this.#plans.get(name);
    if (known) return known;
    if (this.#plans.size >= 100) this.#plans.clear();
    const plan = this.#make([...new Set(queues)], lowestFirst);
    this.#plans.set(name, plan);
    return plan;
  }

  #make(queues: readonly QueueName[], lowestFirst: boolean): Plan {
    const { buckets, prefixBytes } = this.#keys;
    const order = lowestFirst ? [...buckets].reverse() : buckets;
    const sources = order.flatMap((bucket) => queues.map((queue) => ({ queue, bucket })));
    const args: Arg[] = [String(buckets.length), String(queues.length)];
    for (const { queue, bucket } of sources) {
      const list = this.#keys.list(queue, bucket);
      args.push(list, encodeHeader({ list, queue, bucket, prefixBytes }));
    }
    return { sources, args };
  }
}

export interface Reading {
  readonly deliveries: readonly Delivery[];
  /** Lists that could not be read. */
  readonly faults: readonly string[];
}

/** Adds a call to a script's arguments and returns how to read its part of the reply. */
export function pushReservation(args: Arg[], call: ReserveCall, plan: Plan, standbyKey: string): (reply: Reply) => Reading {
  const [priorities = "", queues = "", ...sources] = plan.args;
  args.push(String(call.number), String(Math.max(0, Math.floor(call.count))), priorities, queues, call.standBy === true ? standbyKey : "");
  for (const arg of sources) args.push(arg);
  // Lua counts ARGV from 1; after these arguments the sources' lists stand at every second place.
  const firstSource = args.length - plan.sources.length * 2 + 1;
  return (reply) => readReservation(reply, call.epoch, (at) => plan.sources[(at - firstSource) / 2]);
}

function readReservation(reply: Reply, epoch: Epoch, sourceAt: (at: number) => Source | undefined): Reading {
  const [kind, second, groups, envelopes, faults] = asList(reply);
  if (kind === 1) return { deliveries: readRecords(epoch, asList(second)), faults: [] };
  const deliveries: Delivery[] = [];
  const bytes = asList(envelopes);
  const runs = asList(groups);
  let number = asNumber(second);
  for (let run = 0, i = 0; run + 1 < runs.length; run += 2) {
    const source = sourceAt(asNumber(runs[run]));
    const end = i + asNumber(runs[run + 1]);
    for (; source && i < end; i += 1, number += 1)
      deliveries.push({ id: { epoch, number }, queue: source.queue, bucket: source.bucket, bytes: asBytes(bytes[i]), ackedEarly: false });
  }
  return { deliveries, faults: asList(faults).map(asText) };
}

/** `[number, record, …]`, in the order of the numbers. */
export function readRecords(epoch: Epoch, reply: Reply): readonly Delivery[] {
  const list = asList(reply);
  const deliveries: Delivery[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) deliveries.push(decodeRecord({ epoch, number: asNumber(list[i]) }, asBytes(list[i + 1])));
  return deliveries.sort((a, b) => a.id.number - b.id.number);
}

/** What scripts/publish.lua tells a runner on standby: its number, the time and the revokes' version, then the record. */
export function readHanded(epoch: Epoch, data: Buffer): Reserved {
  const end = data.indexOf("\n");
  const [number, now, version] = data.toString("latin1", 0, end).split(" ").map(Number);
  return {
    deliveries: [decodeRecord({ epoch, number: number ?? Number.NaN }, data.subarray(end + 1))],
    storeNow: now ?? Number.NaN,
    revokesVersion: version ?? Number.NaN,
  };
}

export const toReserved = (deliveries: readonly Delivery[], now: Reply | undefined, version: Reply | undefined): Reserved => ({
  deliveries,
  storeNow: asNumber(now),
  revokesVersion: asNumber(version),
});
