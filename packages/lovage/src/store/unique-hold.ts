/** What a waiting message says about the unique key that its task has. */
import type { UniqueHold } from "../message/commit.ts";
import { peekHeaders } from "../message/decode.ts";

export function uniqueHoldOf(bytes: Uint8Array): UniqueHold | undefined {
  const peeked = peekHeaders(bytes);
  const key = peeked?.lovage.unique?.key;
  return peeked?.id && key !== undefined ? { key, taskId: peeked.id } : undefined;
}
