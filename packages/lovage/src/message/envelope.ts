/**
 * The outer layer of everything that kombu's Redis transport moves: tasks, events, control requests and replies. Knows
 * where the body is and how to read it, not what it means. celery-wire.md §1.1.
 */
import { isAscii } from "node:buffer";
import { isLovageError, MessageError } from "../kernel/errors.ts";
import { decompress } from "./compression.ts";
import { type ParseOptions, parseWireJson } from "./json.ts";

export type Fields = Readonly<Record<string, unknown>>;

export interface Envelope {
  /** As it stands in the envelope: base64 when `properties.body_encoding` says so. */
  readonly body: string;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly headers: Fields;
  readonly properties: Fields;
}

const nothing: Fields = Object.freeze({});
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param options `typedValues: false` leaves those in headers and properties as they stand, and so can't fail on one
 * @throws {MessageError} LOVAGE_ENVELOPE_INVALID
 */
export function decodeEnvelope(bytes: Uint8Array | string, options?: ParseOptions): Envelope {
  const fields = parseEnvelope(bytes, options);
  const body = fields.body;
  if (typeof body !== "string") throw invalidEnvelope(`its "body" is ${kindOf(body)}, not a string`);
  return {
    body,
    contentType: optionalText(fields["content-type"]),
    contentEncoding: optionalText(fields["content-encoding"]),
    headers: fieldsOf(fields, "headers"),
    properties: fieldsOf(fields, "properties"),
  };
}

/** The envelope as one object, not looked into. @throws {MessageError} LOVAGE_ENVELOPE_INVALID */
export function parseEnvelope(bytes: Uint8Array | string, options?: ParseOptions): Fields {
  let parsed: unknown;
  try {
    parsed = parseWireJson(typeof bytes === "string" ? bytes : textOf(bytes, "utf-8"), options);
  } catch (cause) {
    throw invalidEnvelope(isLovageError(cause) ? cause.message : "its bytes are not UTF-8", cause);
  }
  if (isFields(parsed)) return parsed;
  throw invalidEnvelope(`it is ${kindOf(parsed)}, not an object`);
}

/**
 * The body's value, whatever it means.
 * @throws {MessageError} LOVAGE_CONTENT_TYPE_REFUSED, LOVAGE_COMPRESSION_UNSUPPORTED, LOVAGE_BODY_INVALID
 */
export function decodeBody(envelope: Envelope): unknown {
  if (envelope.contentType !== "application/json" && !isJson(envelope.contentType)) throw refused(envelope);
  const compression = envelope.headers.compression;
  const text = compression === undefined || compression === null ? plainBody(envelope) : packedBody(envelope, compression);
  try {
    return parseWireJson(text);
  } catch (cause) {
    throw invalidBody(isLovageError(cause) ? cause.message : String(cause), cause);
  }
}

function plainBody(envelope: Envelope): string {
  if (!isBase64(envelope.properties.body_encoding)) return envelope.body;
  return bodyText(Buffer.from(envelope.body, "base64"), envelope.contentEncoding);
}

function packedBody(envelope: Envelope, compression: unknown): string {
  const bytes = Buffer.from(envelope.body, isBase64(envelope.properties.body_encoding) ? "base64" : "utf8");
  return bodyText(decompress(bytes, compression), envelope.contentEncoding);
}

function bodyText(bytes: Uint8Array, encoding: string | null): string {
  try {
    return textOf(bytes, encoding ?? "utf-8");
  } catch (cause) {
    throw invalidBody(`its bytes are not ${encoding ?? "utf-8"}`, cause);
  }
}

/** ASCII, which is what Python writes, takes a short cut. @throws when the bytes are not in `encoding` */
function textOf(bytes: Uint8Array, encoding: string): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isAscii(buffer)) return buffer.toString("latin1");
  const utf8 = encoding === "utf-8" || /^(utf-?8|us-ascii|ascii|binary)$/i.test(encoding);
  return (utf8 ? strictUtf8 : new TextDecoder(encoding, { fatal: true })).decode(buffer);
}

/** kombu: any encoding but an empty one and utf-8 means base64; there is no other. */
function isBase64(encoding: unknown): boolean {
  return encoding === "base64" || (typeof encoding === "string" && encoding !== "" && encoding.toLowerCase() !== "utf-8");
}

function isJson(contentType: string | null): boolean {
  return contentType !== null && contentType.split(";", 1)[0]?.trim().toLowerCase() === "application/json";
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldsOf(envelope: Fields, name: string): Fields {
  const value = envelope[name];
  if (value === undefined || value === null) return nothing;
  if (isFields(value)) return value;
  throw invalidEnvelope(`its "${name}" is ${kindOf(value)}, not an object`);
}

function optionalText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function invalidEnvelope(why: string, cause?: unknown): MessageError {
  return new MessageError(
    "LOVAGE_ENVELOPE_INVALID",
    `Cannot read a message: ${why}. Expected kombu's JSON envelope {body, content-type, content-encoding, headers, properties}.`,
    { cause },
  );
}

export function invalidBody(why: string, cause?: unknown): MessageError {
  return new MessageError("LOVAGE_BODY_INVALID", `Cannot read the body of a message: ${why}.`, { cause });
}

function refused(envelope: Envelope): MessageError {
  const contentType = envelope.contentType?.slice(0, 80) ?? "none";
  return new MessageError(
    "LOVAGE_CONTENT_TYPE_REFUSED",
    `Cannot read the body of a message of content type ${contentType}: only application/json is accepted. Set task_serializer to json at the sender.`,
    { details: { contentType, task: envelope.headers.task, id: envelope.headers.id } },
  );
}
