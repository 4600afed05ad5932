import type { ChordPart, ChordStart } from "../../message/commit.ts";
import { type ChordView, identityOf, lacksParts } from "../chord-join.ts";
import { alive, type Chord, expiry, type View } from "./world.ts";

function readChord(view: View, groupId: string): Chord | undefined {
  const chord = view.results.chords.get(groupId);
  if (!chord || alive(chord, view.now())) return chord;
  view.results.chords.delete(groupId);
  return undefined;
}

function madeChord(view: View, groupId: string): Chord {
  const chord = readChord(view, groupId) ?? { size: undefined, growth: 0, parts: new Map<string, ChordPart>(), expiresAt: null };
  view.results.chords.set(groupId, chord);
  return chord;
}

export function chordView(view: View, groupId: string): ChordView {
  const chord = readChord(view, groupId);
  return {
    size: chord?.size,
    growth: chord?.growth ?? 0,
    count: chord?.parts.size ?? 0,
    has: (part) => chord?.parts.has(identityOf(part)) ?? false,
  };
}

export const recordedParts = (view: View, groupId: string): readonly ChordPart[] => [...(readChord(view, groupId)?.parts.values() ?? [])];

export function startChord(view: View, start: ChordStart): void {
  const chord = madeChord(view, start.groupId);
  chord.size = start.size;
  chord.expiresAt = expiry(view.now(), start.expiresMs);
  if (start.taskset === undefined) return;
  view.results.groups.set(start.groupId, { value: start.taskset, expiresAt: chord.expiresAt });
}

export function addPart(view: View, part: ChordPart): void {
  if (part.completes === "body") {
    view.results.chords.delete(part.groupId);
    return;
  }
  const chord = madeChord(view, part.groupId);
  const identity = identityOf(part);
  if (!chord.parts.has(identity)) {
    chord.parts.set(identity, part);
    chord.growth += part.adds ?? 0;
  }
  // Celery renews all of a chord's keys with every part (celery-wire.md §7.3); without an expiry it leaves them as they are.
  if (part.expiresMs !== null) chord.expiresAt = expiry(view.now(), part.expiresMs);
}

/** The member's part is due again, if its chord still waits for others. */
export function takePartBack(view: View, part: Pick<ChordPart, "groupId" | "index" | "taskId">): void {
  if (lacksParts(chordView(view, part.groupId))) readChord(view, part.groupId)?.parts.delete(identityOf(part));
}
