/**
 * The bus as a table, so that all processes hear the same in the same order: a subscriber reads what came after its own
 * place. Rows are pruned by age and number; who is slower than that loses messages, nobody ever waits.
 */
import type { Bus, BusMessage, Channel } from "../../broker/bus.ts";
import { blob } from "./driver.ts";
import { bytesOf } from "./queues.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

const keptMs = 60_000;
const keptRows = 10_000;
/** Rows between two prunings. */
const pruneEvery = 256;
const readLimit = 500;

const prefixOf = (view: View): string => `${encodeURIComponent(view.space)}/`;

/** Within a write. */
export function say(view: View, touched: Touched, channel: Channel, data: Uint8Array | string): void {
  const { database } = view.file;
  const at = view.now();
  const row = database.get(sql.say, { channel: prefixOf(view) + channel, at, data: bytesOf(data) });
  touched.add(topics.bus);
  const id = Number(row?.id);
  if (id % pruneEvery === 0) database.run(sql.pruneBus, { before: id - keptRows, olderThan: at - keptMs });
}

export class SqliteBus implements Bus {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  publish(channel: Channel, data: Uint8Array | string): Promise<void> {
    return this.#view.write("announce in", (_, touched) => say(this.#view, touched, channel, data));
  }

  async *subscribe(channels: readonly Channel[], signal: AbortSignal): AsyncGenerator<BusMessage> {
    const view = this.#view;
    const isOver = () => signal.aborted || view.closing.aborted;
    const listener = view.changes.listen([topics.bus, topics.elsewhere]);
    try {
      let place = isOver() ? 0 : await this.#last();
      while (!isOver()) {
        const messages = await this.#after(place);
        for (const { id, channel, data } of messages) {
          place = id;
          if (channels.some((pattern) => matches(pattern, channel))) yield { channel, data };
          if (isOver()) return;
        }
        if (messages.length < readLimit) await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  #last(): Promise<number> {
    return this.#view.read((database) => Number(database.get(sql.lastSaid, {})?.last));
  }

  /** Those of other namespaces have a channel that nothing matches. */
  #after(after: number): Promise<readonly (BusMessage & { readonly id: number })[]> {
    const prefix = prefixOf(this.#view);
    return this.#view.read((database) =>
      database.all(sql.said, { after, limit: readLimit }).map((row) => {
        const channel = String(row.channel);
        return { id: Number(row.id), channel: channel.startsWith(prefix) ? channel.slice(prefix.length) : "", data: blob(row.data) };
      }),
    );
  }
}

const matches = (pattern: Channel, channel: Channel): boolean =>
  channel !== "" && (pattern.endsWith("*") ? channel.startsWith(pattern.slice(0, -1)) : pattern === channel);
