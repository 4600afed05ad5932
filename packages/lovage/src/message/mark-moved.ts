/** A message that people move to another queue: a retry of it, and a restore by kombu, have to find that queue too. */
import { type Fields, isFields, parseEnvelope } from "./envelope.ts";
import { stringifyRawJson } from "./json.ts";
import type { QueueName } from "./task-message.ts";

/** The body is not looked at. Bytes that are no envelope come back as they are. */
export function markMoved(bytes: Uint8Array, queue: QueueName): Uint8Array | string {
  let envelope: Fields;
  try {
    envelope = parseEnvelope(bytes, { typedValues: false });
  } catch {
    return bytes;
  }
  const { properties } = envelope;
  if (!isFields(properties)) return bytes;
  const delivery = isFields(properties.delivery_info) ? properties.delivery_info : {};
  return stringifyRawJson({
    ...envelope,
    properties: { ...properties, delivery_info: { ...delivery, exchange: "", routing_key: queue } },
  });
}
