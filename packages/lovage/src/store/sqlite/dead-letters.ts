import type { DeadLetter, DeadLetterCount, DeadLetterId, DeadLetterQuery, DeadLetters, Replay } from "../../broker/dead-letters.ts";
import type { DeadReason, DeathCause } from "../../message/commit.ts";
import { collect, idOf, placeOf } from "../dead-letter-page.ts";
import { assertSizes } from "../sizes.ts";
import { takePartBack } from "./chords.ts";
import { blob, type Row } from "./driver.ts";
import { enqueue } from "./queues.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import { claimUnique } from "./uniques.ts";
import type { View } from "./view.ts";

/** Each call that writes is one transaction, or its share of one. */
export class SqliteDeadLetters implements DeadLetters {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  count(): Promise<number> {
    return this.#view.read((database) => Number(database.get(sql.countDead, { space: this.#view.space })?.n));
  }

  counts(): Promise<readonly DeadLetterCount[]> {
    return this.#view.read((database) =>
      database
        .all(sql.countDeadBy, { space: this.#view.space })
        .map((row) => ({ queue: this.#queue(row), reason: row.reason as DeadReason, count: Number(row.n) })),
    );
  }

  get(id: DeadLetterId): Promise<DeadLetter | undefined> {
    const row = rowOf(id);
    return this.#view.read((database) => {
      const found = row === undefined ? undefined : database.get(sql.deadLetter, { space: this.#view.space, id: row });
      return found && this.#read(found);
    });
  }

  list(limit: number, query: DeadLetterQuery = {}): Promise<readonly DeadLetter[]> {
    const { space } = this.#view;
    return collect(limit, query, (count, after) =>
      this.#view.read((database) => {
        const at = after?.at ?? Number.MAX_SAFE_INTEGER;
        const id = after === undefined ? 0 : Number.parseInt(after.key, 16);
        return database.all(sql.pageOfDead, { space, at, id, limit: count }).map((row) => this.#read(row));
      }),
    );
  }

  async replay({ id, message, ended }: Replay): ReturnType<DeadLetters["replay"]> {
    const view = this.#view;
    const row = rowOf(id);
    if (row === undefined) return false;
    assertSizes({ messages: [message] }, view.file.location.maxBytes);
    return view.write("replay a dead letter in", (database, touched) => {
      if (!database.get(sql.deadLetter, { space: view.space, id: row })) return false;
      const heldBy = claimUnique(view, message);
      if (heldBy !== null) return { heldBy };
      database.run(sql.unbury, { space: view.space, id: row });
      if (ended) {
        const { taskId, chord } = ended;
        const result = view.resultKey(taskId);
        if (database.run(sql.forgetEnd, { id: result }) > 0) touched.add(topics.result(result));
        if (chord) takePartBack(view, { ...chord, taskId });
      }
      enqueue(view, touched, message);
      return true;
    });
  }

  discard(ids: readonly DeadLetterId[]): Promise<number> {
    const { space } = this.#view;
    return this.#view.write("discard dead letters in", (database) => {
      let removed = 0;
      for (const id of ids.map(rowOf)) if (id !== undefined) removed += database.run(sql.unbury, { space, id });
      return removed;
    });
  }

  add(letters: readonly Omit<DeadLetter, "id">[]): Promise<void> {
    const view = this.#view;
    return view.write("add dead letters to", (database) => {
      for (const { delivery, queue, bucket, reason, detail, cause = null, attempts = null, at, bytes } of letters) {
        const letter = { space: view.space, queue: view.queueKey(queue), bucket, reason, detail, cause, attempts, at, bytes };
        database.run(sql.addDead, { ...letter, epoch: delivery.epoch, number: delivery.number });
      }
    });
  }

  trim({ most, olderThanMs }: Parameters<DeadLetters["trim"]>[0]): Promise<number> {
    const view = this.#view;
    const { space } = view;
    return view.write("trim dead letters in", (database) => {
      let removed = olderThanMs === null ? 0 : database.run(sql.trimDeadByAge, { space, before: Math.floor(view.now() - olderThanMs) });
      if (most !== null) removed += database.run(sql.trimDeadByNumber, { space, most });
      if (removed > 0) database.run(sql.addCount, { space, field: "dead-letters|DROPPED", by: removed });
      return removed;
    });
  }

  #queue(row: Row): string {
    return String(row.queue).slice(this.#view.options.keyPrefix.length);
  }

  #read(row: Row): DeadLetter {
    const at = Number(row.at);
    return {
      id: idOf({ at, key: Number(row.id).toString(16).padStart(16, "0") }),
      delivery: { epoch: String(row.epoch), number: Number(row.number) },
      queue: this.#queue(row),
      bucket: Number(row.bucket),
      reason: row.reason as DeadReason,
      detail: String(row.detail),
      ...(row.cause !== null && { cause: row.cause as DeathCause }),
      ...(row.attempts !== null && { attempts: Number(row.attempts) }),
      at,
      bytes: blob(row.bytes),
    };
  }
}

function rowOf(id: DeadLetterId): number | undefined {
  const place = placeOf(id);
  return place && Number.parseInt(place.key, 16);
}
