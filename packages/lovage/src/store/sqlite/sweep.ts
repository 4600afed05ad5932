/** Removes what has expired, now and then and a slice at a time, within a write that was to happen anyway. */
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

const everyMs = 60_000;
const slice = 500;
/** How long a closed epoch or node is remembered. */
const closedForMs = 24 * 60 * 60 * 1_000;

export const isSweepDue = (view: View): boolean => Math.abs(view.now() - view.file.sweptAt) >= everyMs;

export function sweep(view: View): void {
  if (!isSweepDue(view)) return;
  const { database } = view.file;
  const now = view.now();
  const swept = [sql.sweepResults, sql.sweepGroups, sql.sweepDocuments].map(
    (statement) => database.all(statement, { now, limit: slice }).length,
  );
  const chords = database.all(sql.sweepChords, { now, limit: slice });
  for (const { id } of chords) database.run(sql.dropChordParts, { id: String(id) });
  const logs = database.all(sql.sweepLogs, { now, limit: slice });
  for (const { key } of logs) database.run(sql.dropEntries, { log: String(key) });
  database.all(sql.sweepRevokes, { now });
  database.run(sql.sweepUnique, { now });
  database.run(sql.sweepCalls, { now });
  database.run(sql.sweepLimits, { before: now - everyMs });
  database.all(sql.sweepEpochs, { before: now - closedForMs });
  database.all(sql.sweepNodes, { before: now - closedForMs });
  // A full slice means that there is more: the next promotion goes on.
  if ([...swept, chords.length, logs.length].every((count) => count < slice)) view.file.sweptAt = now;
}
