/** One commit within a write: everything is checked before anything is written, so that it needs no undo of its own. */
import type { Commit, CommitReply, Settle } from "../../message/commit.ts";
import { transitionsLog } from "../../message/transition.ts";
import { judgeParts, refusalReply } from "../chord-join.ts";
import { oversized } from "../sizes.ts";
import { addPart, chordView, readGroup, recordedParts, startChord } from "./chords.ts";
import type { EpochRow } from "./epochs.ts";
import { giveBack } from "./limits.ts";
import { bytesOf, enqueue } from "./queues.ts";
import { writeResult } from "./results.ts";
import * as sql from "./sql/statements.ts";
import { appendToLog } from "./state.ts";
import { topics } from "./topics.ts";
import { freeUnique } from "./uniques.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

interface HeldRow {
  readonly id: number;
  readonly queue: number;
  readonly bucket: number;
  readonly why: string | null;
}

export function applyCommit(view: View, touched: Touched, epoch: EpochRow, commit: Commit): CommitReply {
  const refused = check(view, epoch, commit);
  if (refused) return refused;
  const settled = settle(view, touched, epoch, commit);
  if (!settled) return { kind: "fenced" };
  for (const result of commit.results) writeResult(view, touched, result);
  for (const start of commit.chords) startChord(view, start);
  for (const message of commit.publish) enqueue(view, touched, message);
  for (const part of commit.chordParts) addPart(view, part);
  if (commit.frees !== undefined) freeUnique(view, commit.frees);
  if (commit.transition) appendToLog(view, touched, transitionsLog, [commit.transition.entry], commit.transition);
  if (settled.why === "holds") giveBack(view, touched, settled.id);
  return { kind: "applied" };
}

function check(view: View, epoch: EpochRow, commit: Commit): CommitReply | undefined {
  const large = oversized(commit, view.file.location.maxBytes);
  if (!large && commit.chordParts.length === 0) return undefined; // the usual case: settling itself finds out whether it is ours
  if (!findHeld(view, epoch, commit)) return { kind: "fenced" };
  if (large) return { kind: "refused", code: large.code, message: large.message };
  const refusal = judgeParts(commit, (groupId) => chordView(view, groupId));
  if (!refusal) return undefined;
  const { groupId } = refusal.part;
  return refusalReply(refusal, recordedParts(view, groupId), readGroup(view, groupId) ?? null, view.options.chordOrdered);
}

function findHeld(view: View, epoch: EpochRow, commit: Commit): HeldRow | undefined {
  return view.file.database.get(sql.findHeld, { epoch: epoch.id, number: commit.delivery.number }) as HeldRow | undefined;
}

/** What it was in flight; undefined: it was not. */
function settle(view: View, touched: Touched, epoch: EpochRow, commit: Commit): Pick<HeldRow, "id" | "why"> | undefined {
  const { database } = view.file;
  if (commit.settle.kind === "ack")
    return database.get(sql.ack, { epoch: epoch.id, number: commit.delivery.number }) as Pick<HeldRow, "id" | "why"> | undefined;
  const held = findHeld(view, epoch, commit);
  if (!held) return undefined;
  if (commit.settle.kind === "requeue") requeue(view, touched, commit.settle, held);
  else if (commit.settle.kind === "park") park(view, commit.settle, held);
  else bury(view, commit, commit.settle, held);
  return held;
}

const replacing = (settle: { readonly bytes?: Uint8Array | string }): Uint8Array | null =>
  settle.bytes === undefined ? null : bytesOf(settle.bytes);

function requeue(view: View, touched: Touched, settle: Extract<Settle, { kind: "requeue" }>, held: HeldRow): void {
  const statement = settle.where === "front" ? sql.requeueFront : sql.requeueBack;
  const { id, queue, bucket } = held;
  view.file.database.run(statement, { id, queue, bucket, bytes: replacing(settle) });
  touched.add(topics.queue(view.file.queueName(held.queue)));
}

function park(view: View, settle: Extract<Settle, { kind: "park" }>, held: HeldRow): void {
  view.file.database.run(sql.park, { id: held.id, why: settle.why, until: Math.ceil(settle.untilMs), bytes: replacing(settle) });
}

function bury(view: View, commit: Commit, settle: Extract<Settle, { kind: "dead-letter" }>, held: HeldRow): void {
  const { delivery } = commit;
  const { reason, detail, cause = null, attempts = null } = settle;
  const { epoch, number } = delivery;
  const letter = { id: held.id, space: view.space, epoch, number, reason, detail, cause, attempts, at: view.now() };
  view.file.database.run(sql.bury, letter);
  view.file.database.run(sql.drop, { id: held.id });
}
