/** From built messages to what a broker publishes. */
import { SerializationError } from "../kernel/errors.ts";
import type { Outgoing, Publication } from "../message/commit.ts";
import { encodeTaskMessage } from "../message/encode.ts";
import { stringifyRawJson } from "../message/json.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { Builder } from "./build.ts";

export interface EncodeLimits {
  /** Bytes of one envelope. */
  readonly maxPayloadBytes: number;
  /** false for peers of Celery 5.2. */
  readonly typedValues: boolean;
}

/** `replyTo`: see `LovageProperties`. @throws {SerializationError} LOVAGE_MESSAGE_TOO_LARGE, LOVAGE_NOT_SERIALIZABLE */
export function toOutgoing(message: TaskMessage, limits: EncodeLimits, replyTo?: string): Outgoing {
  const bytes = encodeTaskMessage(message, limits, replyTo);
  // A string never has more than three UTF-8 bytes per unit: only large ones are measured.
  if (bytes.length * 3 > limits.maxPayloadBytes) checkSize(message, Buffer.byteLength(bytes), limits.maxPayloadBytes);
  return { taskId: message.id, queue: message.routingKey, priority: message.priority, bytes };
}

export function toPublication(built: Builder, limits: EncodeLimits): Publication {
  return { messages: built.messages.map((message) => toOutgoing(message, limits)), chords: built.chords };
}

function checkSize(message: TaskMessage, size: number, limit: number): void {
  if (size <= limit) return;
  const { part, bytes, remedy } = largestPart(message);
  throw new SerializationError(
    "LOVAGE_MESSAGE_TOO_LARGE",
    `Cannot send "${message.task}": its message has ${size} bytes, allowed are ${limit}. Most of it, ${bytes} bytes, is ${part}: ${remedy}, or raise maxPayloadBytes.`,
    { details: { task: message.task, taskId: message.id, size, limit, part } },
  );
}

/** Every message carries all that is to run after it, so what is too large need not be its own arguments. */
function largestPart(message: TaskMessage): { readonly part: string; readonly bytes: number; readonly remedy: string } {
  const { args, kwargs, chain, chord, callbacks, errbacks, headers, stamps } = message;
  const later = chain?.length ?? 0;
  const parts = [
    { part: "its arguments", of: [args, kwargs], remedy: "send a reference (a path, an object key) instead of the data" },
    {
      part: `the ${later} later step${later === 1 ? "" : "s"} of its chain`,
      of: chain,
      remedy: "give the steps less to carry, or let a step send or replace() itself with the rest",
    },
    {
      part: "the body of its chord",
      of: chord,
      remedy: "give the body less to carry, or let it send or replace() itself with what comes after",
    },
    { part: "its links and error links", of: [callbacks, errbacks], remedy: "link a task that sends the rest" },
    { part: "its headers and stamps", of: [headers, stamps], remedy: "send them as arguments, or a reference to them" },
  ];
  const measured = parts.map(({ of, ...said }) => ({ ...said, bytes: Buffer.byteLength(stringifyRawJson(of)) }));
  return measured.reduce((largest, each) => (each.bytes > largest.bytes ? each : largest));
}
