/** One commit against the world: everything is checked before anything is written, so that it needs no undo. */
import type { Commit, CommitReply, Settle } from "../../message/commit.ts";
import { transitionsLog } from "../../message/transition.ts";
import { judgeParts, refusalReply } from "../chord-join.ts";
import { countedFields } from "../counted.ts";
import { oversized } from "../sizes.ts";
import { addPart, chordView, recordedParts, startChord } from "./chords.ts";
import { bury } from "./dead-letters.ts";
import { giveBack } from "./limits.ts";
import { enqueue, queueTopic } from "./queues.ts";
import { readGroup, writeResult } from "./results.ts";
import { appendToLog } from "./state.ts";
import { freeUnique } from "./uniques.ts";
import { bytesOf, type EpochRecord, type Held, type View } from "./world.ts";

export function applyCommit(view: View, epoch: EpochRecord, commit: Commit): CommitReply {
  const held = epoch.held.get(commit.delivery.number);
  if (!held) return { kind: "fenced" };
  const large = oversized(commit);
  if (large) return { kind: "refused", code: large.code, message: large.message };
  const refusal = judgeParts(commit, (groupId) => chordView(view, groupId));
  if (refusal) {
    const { groupId } = refusal.part;
    return refusalReply(refusal, recordedParts(view, groupId), readGroup(view, groupId) ?? null, view.options.chordOrdered);
  }
  epoch.held.delete(commit.delivery.number);
  settle(view, commit, held);
  write(view, commit);
  if (held.holds !== undefined) giveBack(view, commit.delivery.epoch, commit.delivery.number, held.holds);
  return { kind: "applied" };
}

function settle(view: View, { settle, delivery }: Commit, held: Held): void {
  if (settle.kind === "requeue") requeue(view, settle, held);
  if (settle.kind === "park") {
    const { queue, bucket } = held;
    view.queues.park({ queue, bucket, bytes: replaced(settle, held), untilMs: settle.untilMs, why: settle.why });
  }
  if (settle.kind === "dead-letter") {
    const { queue, bucket, bytes } = held;
    const { reason, detail, cause, attempts } = settle;
    const known = { ...(cause !== undefined && { cause }), ...(attempts !== undefined && { attempts }) };
    bury(view, { delivery, queue, bucket, reason, detail, ...known, at: view.now(), bytes });
  }
}

function requeue(view: View, settle: Extract<Settle, { kind: "requeue" }>, held: Held): void {
  const line = view.queues.line(held.queue, held.bucket);
  if (settle.where === "front") line.pushFront(replaced(settle, held));
  else line.pushBack(replaced(settle, held));
  view.changes.notify(queueTopic(held.queue));
}

const replaced = (settle: { readonly bytes?: Uint8Array | string }, held: Held): Uint8Array =>
  settle.bytes === undefined ? held.bytes : bytesOf(settle.bytes);

function write(view: View, commit: Commit): void {
  for (const result of commit.results) writeResult(view, result);
  for (const start of commit.chords) startChord(view, start);
  for (const message of commit.publish) enqueue(view, message);
  for (const part of commit.chordParts) addPart(view, part);
  if (commit.frees !== undefined) freeUnique(view, commit.frees);
  if (commit.transition) appendToLog(view, transitionsLog, [commit.transition.entry], commit.transition);
  const { counters } = view.space;
  for (const field of countedFields(commit.count)) counters.set(field, (counters.get(field) ?? 0) + 1);
}
