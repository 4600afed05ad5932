/** Unique keys in a file; within a write. */
import type { Outgoing, UniqueHold } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { peekUniqueHold } from "../../message/unique-hold.ts";
import { mention } from "../mention.ts";
import { blob } from "./driver.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

/** null: the message may go, and its task has its key, if it wants one. Else who has it. */
export function claimUnique(view: View, { unique, taskId }: Outgoing): TaskId | null {
  if (unique === undefined) return null;
  const { space } = view;
  const { database } = view.file;
  const holder = database.get(sql.uniqueHolder, { space, key: unique.key, now: view.now() })?.task as TaskId | undefined;
  if (holder !== undefined && holder !== taskId && !isOver(view, holder)) return holder;
  database.run(sql.claimUnique, { space, key: unique.key, task: taskId, expires: view.expiry(unique.forMs) });
  return null;
}

/** Refused by a revoke that stands, and in no runner. */
function isOver(view: View, task: TaskId): boolean {
  const { database } = view.file;
  const own = { space: view.space, value: task, now: view.now() };
  if (!(["id", "root"] as const).some((kind) => database.get(sql.standingRevoke, { ...own, kind }))) return false;
  const named = mention(task);
  return named !== null && !database.get(sql.anyInFlight, { named });
}

export function freeUnique(view: View, { key, taskId }: UniqueHold): void {
  view.file.database.run(sql.freeUnique, { space: view.space, key, task: taskId });
}

/** A task that is removed unrun gives its key back. */
export function giveUpUnique(view: View, bytes: Uint8Array): void {
  if (!view.file.database.get(sql.anyUnique, { space: view.space })) return;
  const hold = peekUniqueHold(bytes);
  if (hold !== undefined) freeUnique(view, hold);
}

/** Tasks of a queue that is about to be purged give their keys back. */
export function giveUpUniques(view: View, queue: number): void {
  const { database } = view.file;
  if (!database.get(sql.anyUnique, { space: view.space })) return;
  for (const { bytes } of database.all(sql.queueBytes, { queue })) {
    const hold = peekUniqueHold(blob(bytes));
    if (hold !== undefined) freeUnique(view, hold);
  }
}
