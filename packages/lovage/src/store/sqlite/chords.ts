/** A chord's `.s`, `.t` and `.j` as rows. All of this runs within a write, but for the reading functions. */
import type { ChordPart, ChordStart } from "../../message/commit.ts";
import { type ChordView, identityOf, lacksParts, type RecordedPart } from "../chord-join.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

export function chordView(view: View, groupId: string): ChordView {
  const { database } = view.file;
  const id = view.resultKey(groupId);
  const chord = database.get(sql.chord, { id, now: view.now() });
  return {
    size: typeof chord?.size === "number" ? chord.size : undefined,
    growth: Number(chord?.growth ?? 0),
    count: Number(chord?.count ?? 0),
    has: (part) => chord !== undefined && database.get(sql.chordHas, { id, identity: identityOf(part) }) !== undefined,
  };
}

export const recordedParts = (view: View, groupId: string): readonly RecordedPart[] =>
  view.file.database
    .all(sql.chordParts, { id: view.resultKey(groupId) })
    .map((row) => ({ index: row.index as number | null, member: String(row.member) }));

/** An expired chord that was not swept yet must not lend its parts to a new one of the same id. */
function dropExpired(view: View, id: string): void {
  const { database } = view.file;
  if (database.get(sql.chord, { id, now: view.now() })) return;
  if (database.run(sql.dropChord, { id }) > 0) database.run(sql.dropChordParts, { id });
}

export function startChord(view: View, start: ChordStart): void {
  const { database } = view.file;
  const id = view.resultKey(start.groupId);
  const expires = view.expiry(start.expiresMs);
  dropExpired(view, id);
  database.run(sql.sizeChord, { id, size: start.size, expires });
  if (start.taskset !== undefined) database.run(sql.saveGroup, { id, expires, document: start.taskset });
}

export function addPart(view: View, part: ChordPart): void {
  const { database } = view.file;
  const id = view.resultKey(part.groupId);
  if (part.completes === "body") {
    database.run(sql.dropChord, { id });
    database.run(sql.dropChordParts, { id });
    return;
  }
  dropExpired(view, id);
  const added = database.get(sql.addPart, { id, identity: identityOf(part), index: part.index, member: part.member });
  database.run(sql.countPart, { id, added: added ? 1 : 0, growth: added ? (part.adds ?? 0) : 0, expires: view.expiry(part.expiresMs) });
}

/** The member's part is due again, if its chord still waits for others. */
export function takePartBack(view: View, part: Pick<ChordPart, "groupId" | "index" | "taskId">): void {
  const chord = chordView(view, part.groupId);
  if (!lacksParts(chord)) return;
  const { database } = view.file;
  const id = view.resultKey(part.groupId);
  if (database.run(sql.dropPart, { id, identity: identityOf(part) }) > 0) database.run(sql.uncountPart, { id });
}

export function readGroup(view: View, groupId: string): string | undefined {
  const row = view.file.database.get(sql.loadGroup, { id: view.resultKey(groupId), now: view.now() });
  return row && String(row.document);
}
