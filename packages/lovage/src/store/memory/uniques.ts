import { revokeKey } from "../../broker/revokes.ts";
import type { Outgoing, UniqueHold } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { mention } from "../mention.ts";
import { alive, expiry, type View } from "./world.ts";

/** null: the message may go, and its task has its key, if it wants one. Else who has it. */
export function claimUnique(view: View, { unique, taskId }: Outgoing): TaskId | null {
  if (unique === undefined) return null;
  const { uniques } = view.space;
  const now = view.now();
  const holder = uniques.get(unique.key);
  if (holder !== undefined && holder.value !== taskId && alive(holder, now) && !isOver(view, holder.value)) return holder.value;
  uniques.set(unique.key, { value: taskId, expiresAt: expiry(now, unique.forMs) });
  return null;
}

/** Refused by a revoke that stands, and in no runner. */
function isOver(view: View, task: TaskId): boolean {
  const { epochs, revokes } = view.space;
  const own = [revokeKey({ by: "id", value: task }), revokeKey({ by: "root", value: task })];
  const now = view.now();
  if (!revokes.some((revoke) => alive(revoke, now) && own.includes(revokeKey(revoke.value)))) return false;
  const named = mention(task);
  if (named === null) return false;
  return ![...epochs.values()].some(({ held }) => [...held.values()].some(({ bytes }) => Buffer.from(bytes).includes(named)));
}

export function freeUnique({ space }: View, { key, taskId }: UniqueHold): void {
  if (space.uniques.get(key)?.value === taskId) space.uniques.delete(key);
}
