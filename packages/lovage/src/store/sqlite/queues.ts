import type { QueueAdmin, Standing } from "../../broker/broker.ts";
import type { Outgoing } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { bucketOf } from "../priority.ts";
import { blob, type Row } from "./driver.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import { giveUpUniques } from "./uniques.ts";
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

  async *scan(): AsyncGenerator<readonly Standing[]> {
    const { keyPrefix } = this.#view.options;
    for (let after = 0, rows: readonly Row[] = []; after === 0 || rows.length === pageSize; ) {
      rows = await this.#view.read((database) => database.all(sql.scanMessages, { after, limit: pageSize }));
      after = Number(rows.at(-1)?.id ?? Number.MAX_SAFE_INTEGER);
      const ours = rows.filter(({ name }) => String(name).startsWith(keyPrefix));
      yield ours.map(({ place, bytes }) => ({ place: places[Number(place)] ?? "waiting", bytes: blob(bytes) }));
    }
  }

  #id(queue: QueueName): number | undefined {
    return this.#view.file.queueId(this.#view.queueKey(queue));
  }
}
