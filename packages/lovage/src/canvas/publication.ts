/** From built messages to what a broker publishes. */
import { SerializationError } from "../kernel/errors.ts";
import type { Outgoing, Publication } from "../message/commit.ts";
import { encodeTaskMessage } from "../message/encode.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { Builder } from "./build.ts";

export interface EncodeLimits {
  /** Bytes of one envelope. */
  readonly maxPayloadBytes: number;
  /** false for peers of Celery 5.2. */
  readonly typedValues: boolean;
}

/** @throws {SerializationError} LOVAGE_MESSAGE_TOO_LARGE, LOVAGE_NOT_SERIALIZABLE */
export function toOutgoing(message: TaskMessage, limits: EncodeLimits): Outgoing {
  const bytes = encodeTaskMessage(message, limits);
  // A string never has more than three UTF-8 bytes per unit: only large ones are measured.
  if (bytes.length * 3 > limits.maxPayloadBytes) checkSize(message, Buffer.byteLength(bytes), limits.maxPayloadBytes);
  return { taskId: message.id, queue: message.routingKey, priority: message.priority, bytes };
}

export function toPublication(built: Builder, limits: EncodeLimits): Publication {
  return { messages: built.messages.map((message) => toOutgoing(message, limits)), chords: built.chords };
}

function checkSize(message: TaskMessage, size: number, limit: number): void {
  if (size <= limit) return;
  throw new SerializationError(
    "LOVAGE_MESSAGE_TOO_LARGE",
    `Cannot send "${message.task}": its message has ${size} bytes, allowed are ${limit}. Send a reference (a path, an object key) instead of the data, or raise maxPayloadBytes.`,
    { details: { task: message.task, taskId: message.id, size, limit } },
  );
}
