/** What a store will never take because of its size, found before anything is written. */
import type { Publication } from "../broker/broker.ts";
import type { StoreRefusedError } from "../kernel/errors.ts";
import type { Commit, Outgoing, ResultRecord } from "../message/commit.ts";
import { largestValueBytes, tooLarge } from "./refusals.ts";

/** Bytes in UTF-8; exact only where it could matter, since a string has at most three bytes per unit. */
function bytesAbove(data: Uint8Array | string, maxBytes: number): number {
  if (typeof data !== "string") return data.byteLength;
  return data.length * 3 <= maxBytes ? data.length : Buffer.byteLength(data);
}

function oversizedMessage(messages: readonly Outgoing[], maxBytes: number): StoreRefusedError | undefined {
  for (const { taskId, bytes } of messages) {
    const size = bytesAbove(bytes, maxBytes);
    if (size > maxBytes) return tooLarge(`The message of task ${taskId}`, size, maxBytes);
  }
  return undefined;
}

function oversizedResult(results: readonly ResultRecord[], maxBytes: number): StoreRefusedError | undefined {
  for (const { taskId, document } of results) {
    const size = bytesAbove(document, maxBytes);
    if (size > maxBytes) return tooLarge(`The result of task ${taskId}`, size, maxBytes);
  }
  return undefined;
}

function oversizedPart(commit: Commit, maxBytes: number): StoreRefusedError | undefined {
  for (const { taskId, member } of commit.chordParts) {
    const size = bytesAbove(member, maxBytes);
    if (size > maxBytes) return tooLarge(`The chord part of task ${taskId}`, size, maxBytes);
  }
  return undefined;
}

export const oversized = (commit: Commit, maxBytes: number = largestValueBytes): StoreRefusedError | undefined =>
  oversizedMessage(commit.publish, maxBytes) ?? oversizedResult(commit.results, maxBytes) ?? oversizedPart(commit, maxBytes);

/** @throws {StoreRefusedError} */
export function assertSizes(publication: Publication, maxBytes: number = largestValueBytes): void {
  const error = oversizedMessage(publication.messages, maxBytes);
  if (error) throw error;
}
