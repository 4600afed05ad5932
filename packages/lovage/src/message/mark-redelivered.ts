/** A message on its way back to its queue: kombu's two marks, and our counts. celery-wire.md §4.2. */
import { type Fields, isFields, parseEnvelope } from "./envelope.ts";
import { stringifyRawJson } from "./json.ts";
import type { LovageProperties } from "./task-message.ts";

/**
 * `lovage` is merged into what stands under `properties.lovage`. The body is not looked at. Bytes that are no envelope
 * come back as they are: whoever decodes them next says why.
 */
export function markRedelivered(bytes: Uint8Array, lovage: Partial<LovageProperties> = {}): Uint8Array | string {
  let envelope: Fields;
  try {
    envelope = parseEnvelope(bytes, { typedValues: false });
  } catch {
    return bytes;
  }
  const headers = isFields(envelope.headers) ? envelope.headers : {};
  const properties = isFields(envelope.properties) ? envelope.properties : {};
  const delivery = isFields(properties.delivery_info) ? properties.delivery_info : {};
  const counts = isFields(properties.lovage) ? { ...properties.lovage, ...lovage } : lovage;
  return stringifyRawJson({
    ...envelope,
    headers: { ...headers, redelivered: true },
    properties: {
      ...properties,
      delivery_info: { ...delivery, redelivered: true },
      ...(Object.keys(counts).length > 0 ? { lovage: counts } : {}),
    },
  });
}
