/** A dead letter on its way back to a queue: as new, under its own id. The body is not looked at. */
import { type Fields, isFields, parseEnvelope } from "./envelope.ts";
import { stringifyRawJson } from "./json.ts";
import type { LovageProperties } from "./task-message.ts";

/** Without what is counted of one attempt; `replayedFrom`: the letter that it was. */
export function withoutCounts(lovage: LovageProperties, replayedFrom: string): LovageProperties {
  const { deaths: _, suspected: __, lost: ___, unknown: ____, ...rest } = lovage;
  return { ...rest, replayedFrom };
}

/**
 * Attempts start anew, and what it had waited for or expired by counts no more. Bytes that are no envelope, or of protocol 1,
 * come back as they are.
 */
export function markReplayed(bytes: Uint8Array, replayedFrom: string): Uint8Array | string {
  let envelope: Fields;
  try {
    envelope = parseEnvelope(bytes, { typedValues: false });
  } catch {
    return bytes;
  }
  const { headers, properties } = envelope;
  if (!isFields(headers) || headers.task === undefined || !isFields(properties)) return bytes;
  const { redelivered: _, ...kept } = headers;
  const { redelivered: __, ...delivery } = isFields(properties.delivery_info) ? properties.delivery_info : {};
  const lovage = isFields(properties.lovage) ? (properties.lovage as LovageProperties) : {};
  return stringifyRawJson({
    ...envelope,
    headers: { ...kept, retries: 0, eta: null, expires: null },
    properties: { ...properties, delivery_info: delivery, lovage: withoutCounts(lovage, replayedFrom) },
  });
}
