/**
 * Finds open jobs of whose task nothing is left: its result expired before anybody looked, or somebody emptied the queue. What only
 * moves is not lost, so a job has to be missing wherever one can look, more than once.
 */
import type { App } from "lovage";
import type { JobRecord } from "../job-record.ts";

/** A job younger than this is not looked for: it may be on its way. */
const lostAfterMs = 60_000;
/** One that waited on a service's disk may still: so long a broker knows what was sent to it once. */
const spooledForMs = 7 * 86_400_000;
/** The last look asks every node, for each job. */
const atOnce = 20;

/** Whether it may be lost, as far as its age tells. */
export function mayBeLost({ createdAt, spooled }: JobRecord, now: number): boolean {
  return now - createdAt >= (spooled ? spooledForMs : lostAfterMs);
}

/** Those of `records`, twenty at most, whose task is nowhere. It reads every message, so ask for many at once, and seldom. */
export async function lostAmong(app: App, records: readonly JobRecord[]): Promise<readonly JobRecord[]> {
  const missing = records.length === 0 ? [] : await missingAmong(app, records);
  const lost = await Promise.all(
    missing.slice(0, atOnce).map(async (record) => {
      const { facts } = await app.explain(record.taskId);
      return facts.found.length === 0 && facts.result === null ? [record] : [];
    }),
  );
  return lost.flat();
}

const ids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

async function missingAmong(app: App, records: readonly JobRecord[]): Promise<readonly JobRecord[]> {
  const { broker, results } = await app.store();
  const missing = new Map(records.map((record) => [record.taskId, record]));
  // Its own message names it, and so does all that came of it.
  for await (const page of broker.queues.scan()) {
    for (const { bytes } of page) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
      for (const [id] of text.matchAll(ids)) missing.delete(id);
    }
  }
  const found = await results.load([...missing.keys()]);
  return [...missing.values()].filter((_, i) => found[i] === undefined);
}
