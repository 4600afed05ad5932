/** Revokes as remote control knows them: durable, for all nodes, whoever heard of them. */
import { type Revokes, revokesKeptMs, stampText } from "../../../broker/revokes.ts";
import type { NodeRefusals } from "../../../control/node-view.ts";
import { terminationOf } from "../../../task/termination.ts";

export interface NodeRefusalsOptions {
  readonly revokes: Revokes;
  /** Milliseconds that a run gets to stop by itself. */
  readonly killAfterMs: number;
}

const pageSize = 2000;

export function nodeRefusals({ revokes, killAfterMs }: NodeRefusalsOptions): NodeRefusals {
  /** Whoever asks for the list after a revoke sees it there. */
  let written: Promise<unknown> = Promise.resolve();
  return {
    // Every node that hears it says it again: a broadcast may be lost by some, the store forgets nothing.
    async revoke(refusals) {
      if (refusals.length === 0) return;
      const writing = revokes.revoke(
        refusals.map(({ by, value, terminate, signal }) => ({
          ...{ by, ...terminationOf({ terminate, ...(signal !== undefined && { signal }) }, killAfterMs) },
          value: typeof value === "string" ? value : stampText(value.name, value.value),
        })),
        revokesKeptMs,
      );
      written = Promise.allSettled([written, writing]);
      await writing;
    },
    async ids(limit) {
      await written;
      // One version each: those before the last `limit` are not even read.
      const { latest } = await revokes.since(0, 0);
      const ids = new Set<string>();
      for (let version = Math.max(0, latest - limit); version < latest; ) {
        const page = await revokes.since(version, pageSize);
        for (const { by, value } of page.revokes) if (by === "id") ids.add(value);
        version = page.version;
      }
      return [...ids];
    },
  };
}
