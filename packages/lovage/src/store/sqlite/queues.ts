import type { Binding, QueueAdmin, QueueCounts, Removal, Standing, Waiting } from "../../broker/queue-admin.ts";
import { lookBehind, waitsForItsTime } from "../../broker/queue-admin.ts";
import type { Outgoing, ParkReason } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { bucketOf } from "../priority.ts";
import { blob, type Row } from "./driver.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import { giveUpUnique, giveUpUniques } from "./uniques.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

const encoder = new TextEncoder();
export const bytesOf = (data: Uint8Array | string): Uint8Array => (typeof data === "string" ? encoder.encode(data) : data);

/** Within a write. */
export function enqueue(view: View, touched: Touched, message: Outgoing): void {
  const { database } = view.file;
  const name = view.queueKey(message.queue);
  const queue = view.file.madeQueueId(name);
  const bucket = bucketOf(message.priority, view.options.prioritySteps);
  const bytes = bytesOf(message.bytes);
  if (message.parkMs !== undefined && message.parkMs > 0) {
    database.run(sql.addParked, { queue, bucket, until: Math.ceil(view.now() + message.parkMs), bytes });
    return;
  }
  database.run(sql.addWaiting, { queue, bucket, bytes });
  touched.add(topics.queue(name));
}

const pageSize = 500;
/** By the column `place`. */
const places: readonly Standing["place"][] = ["waiting", "running", "parked"];

export class SqliteQueues implements QueueAdmin {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  depth(queues: readonly QueueName[]): Promise<readonly number[]> {
    return this.#view.read((database) =>
      queues.map((name) => {
        const queue = this.#id(name);
        return queue === undefined ? 0 : Number(database.get(sql.depth, { queue })?.n);
      }),
    );
  }

  peek(name: QueueName, limit: number): Promise<readonly Uint8Array[]> {
    return this.#view.read((database) => {
      const queue = this.#id(name);
      return queue === undefined ? [] : database.all(sql.peek, { queue, limit }).map((row) => blob(row.bytes));
    });
  }

  page(name: QueueName, from: number, limit: number): Promise<readonly Waiting[]> {
    return this.#view.read((database) => {
      const queue = this.#id(name);
      if (queue === undefined) return [];
      const rows = database.all(sql.pageWaiting, { queue, from, limit });
      return rows.map((row, i): Waiting => {
        return { place: "waiting", queue: name, bucket: Number(row.bucket), bytes: blob(row.bytes), at: from + i };
      });
    });
  }

  counts(queues: readonly QueueName[]): Promise<readonly QueueCounts[]> {
    const { prioritySteps } = this.#view.options;
    return this.#view.read((database) => {
      const rows = database.all(sql.census, {});
      return queues.map((name) => {
        const mine = rows.filter(({ queue }) => queue === this.#id(name));
        const sum = (place: number, bucket?: number) =>
          mine
            .filter((row) => row.place === place && (bucket === undefined || row.bucket === bucket))
            .reduce((total, { n }) => total + Number(n), 0);
        return { waiting: stepsOf(prioritySteps).map((bucket) => ({ bucket, count: sum(0, bucket) })), parked: sum(2), running: sum(1) };
      });
    });
  }

  rearrange(removals: readonly Removal[]): Promise<readonly boolean[]> {
    return this.#view.write("move messages in", (_, touched) => removals.map((removal) => this.#take(removal, touched)));
  }

  /** Within a write. */
  #take({ message, to }: Removal, touched: Touched): boolean {
    const { database } = this.#view.file;
    const queue = this.#id(message.queue);
    const id = queue === undefined ? undefined : this.#find(queue, message);
    if (id === undefined) return false;
    if (to === undefined) {
      giveUpUnique(this.#view, message.bytes);
      return database.run(sql.drop, { id }) > 0;
    }
    const name = this.#view.queueKey(to.queue);
    const target = { id, queue: this.#view.file.madeQueueId(name), bytes: bytesOf(to.bytes) };
    if (message.place === "parked") return database.run(sql.moveParked, target) > 0;
    touched.add(topics.queue(name));
    return database.run(sql.moveWaiting, { ...target, bucket: message.bucket }) > 0;
  }

  #find(queue: number, { place, bucket, bytes, parked, ...seen }: Standing): number | undefined {
    const { database } = this.#view.file;
    if (place === "running") return undefined;
    const within = ((seen as Partial<Waiting>).at ?? 0) + lookBehind;
    const row =
      place === "parked"
        ? database.get(sql.findParked, { id: Number(parked?.id), queue, bytes })
        : database.get(sql.findWaiting, { queue, bucket, bytes, within });
    return row === undefined ? undefined : Number(row.id);
  }

  purge(queues: readonly QueueName[]): Promise<number> {
    return this.#view.write("purge queues in", (database) => {
      let purged = 0;
      for (const name of queues) {
        const queue = this.#id(name);
        if (queue === undefined) continue;
        giveUpUniques(this.#view, queue);
        purged += database.run(sql.purgeWaiting, { queue }) + database.run(sql.purgeParked, { queue });
      }
      return purged;
    });
  }

  names(): Promise<readonly QueueName[]> {
    const { keyPrefix } = this.#view.options;
    return this.#view.read((database) => {
      const names = database.all(sql.queueNames, {}).map((row: Row) => String(row.name));
      return names.filter((name) => name.startsWith(keyPrefix)).map((name) => name.slice(keyPrefix.length));
    });
  }

  /** A queue is fed by its own default exchange: there are no others here. */
  async bindings(): Promise<readonly Binding[]> {
    return (await this.names()).map((queue) => ({ exchange: queue, queue, routingKey: queue }));
  }

  due(limit: number): Promise<readonly Standing[]> {
    const { keyPrefix } = this.#view.options;
    return this.#view.read((database) =>
      database
        .all(sql.soonest, { limit })
        .filter(({ name }) => String(name).startsWith(keyPrefix))
        .map((row) => standing(row, String(row.name).slice(keyPrefix.length)))
        .filter(waitsForItsTime),
    );
  }

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const { keyPrefix } = this.#view.options;
    for (let after = 0, rows: readonly Row[] = []; after === 0 || rows.length === pageSize; ) {
      rows = await this.#view.read((database) => database.all(sql.scanMessages, { after, limit: pageSize }));
      after = Number(rows.at(-1)?.id ?? Number.MAX_SAFE_INTEGER);
      const ours = rows.filter(({ name }) => String(name).startsWith(keyPrefix));
      yield ours.map((row) => standing(row, String(row.name).slice(keyPrefix.length)));
    }
  }

  #id(queue: QueueName): number | undefined {
    return this.#view.file.queueId(this.#view.queueKey(queue));
  }
}

const stepsOf = (steps: readonly number[]): readonly number[] => [...new Set(steps.length > 0 ? steps : [0])].sort((a, b) => a - b);

function standing({ id, place: code, bucket, bytes, position, why, epoch }: Row, queue: QueueName): Standing {
  const place = places[Number(code)] ?? "waiting";
  const message = { place, queue, bucket: Number(bucket), bytes: blob(bytes) };
  if (place === "running") return { ...message, held: { epoch: String(epoch), number: Number(position) } };
  if (place === "waiting") return message;
  // In a line it stays until there is room.
  const dueMs = Number(position) >= Number.MAX_SAFE_INTEGER ? null : Number(position);
  return { ...message, parked: { id: String(id), why: (why as ParkReason | null) ?? "eta", dueMs } };
}
