import type { Outgoing, UniqueHold } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { alive, expiry, type View } from "./world.ts";

/** null: the message may go, and its task has its key, if it wants one. Else who has it. */
export function claimUnique(view: View, { unique, taskId }: Outgoing): TaskId | null {
  if (unique === undefined) return null;
  const { uniques } = view.space;
  const now = view.now();
  const holder = uniques.get(unique.key);
  if (holder !== undefined && holder.value !== taskId && alive(holder, now)) return holder.value;
  uniques.set(unique.key, { value: taskId, expiresAt: expiry(now, unique.forMs) });
  return null;
}

export function freeUnique({ space }: View, { key, taskId }: UniqueHold): void {
  if (space.uniques.get(key)?.value === taskId) space.uniques.delete(key);
}
