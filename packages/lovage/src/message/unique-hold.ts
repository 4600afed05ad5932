/** What a message says about the unique key that its task has. */
import type { UniqueHold } from "./commit.ts";
import { peekHeaders } from "./decode.ts";
import type { LovageProperties, TaskId } from "./task-message.ts";

export function uniqueHoldOf(id: TaskId | null, { unique }: LovageProperties): UniqueHold | undefined {
  return id !== null && typeof unique?.key === "string" ? { key: unique.key, taskId: id } : undefined;
}

/** The same of bytes. */
export function peekUniqueHold(bytes: Uint8Array): UniqueHold | undefined {
  const peeked = peekHeaders(bytes);
  return peeked === null ? undefined : uniqueHoldOf(peeked.id, peeked.lovage);
}
