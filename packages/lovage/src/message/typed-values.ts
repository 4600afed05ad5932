/** kombu's typed JSON objects, `{"__type__": …, "__value__": …}`, from and to JavaScript values. celery-wire.md §3. */
import { MessageError } from "../kernel/errors.ts";
import { formatWireTime, readWireTime } from "./wire-time.ts";
import { Decimal, PlainDate, PlainTime, Uuid, WireDateTime, type WireValueKind } from "./wire-values.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const plainDate = /^\d{4}-\d\d-\d\d$/;
const plainTime = /^\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?$/;
const decimal = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|s?nan\d*|inf(inity)?)$/i;
const hex32 = /^[0-9a-f]{32}$/i;

/** @throws {MessageError} LOVAGE_TYPED_VALUE_INVALID for a type or value that kombu would not read either */
export function readTypedValue(type: unknown, value: unknown): unknown {
  switch (type) {
    case "datetime":
      return typeof value === "string" ? readDateTime(value) : invalid(type, value);
    case "date":
      return typeof value === "string" && plainDate.test(value) ? new PlainDate(value) : invalid(type, value);
    case "time":
      return typeof value === "string" && plainTime.test(value) ? new PlainTime(value) : invalid(type, value);
    case "decimal":
      return typeof value === "string" && decimal.test(value) ? new Decimal(value) : invalid(type, value);
    case "uuid":
      return readUuid(value);
    case "bytes":
      return typeof value === "string" ? new Uint8Array(Buffer.from(value, "utf8")) : invalid(type, value);
    case "base64":
      return typeof value === "string" ? new Uint8Array(Buffer.from(value, "base64")) : invalid(type, value);
    default:
      return invalid(type, value);
  }
}

/** Lossless: a `Date` where that says it all, else a `Date` that remembers its text. */
function readDateTime(text: string): Date {
  const time = readWireTime(text);
  if (time === undefined) return invalid("datetime", text);
  if (Number.isNaN(time.ms)) return invalid("datetime", text);
  const whole = time.micros === 0 && (time.zone === "+00:00" || time.zone === "Z");
  return whole ? new Date(time.ms) : new WireDateTime(text, time.ms);
}

function readUuid(value: unknown): Uuid {
  const hex = typeof value === "object" && value !== null ? (value as { hex?: unknown }).hex : value;
  if (typeof hex !== "string") return invalid("uuid", value);
  const digits = hex.replaceAll("-", "").toLowerCase();
  if (!hex32.test(digits)) return invalid("uuid", value);
  return new Uuid(digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));
}

function invalid(type: unknown, value: unknown): never {
  throw new MessageError(
    "LOVAGE_TYPED_VALUE_INVALID",
    `Cannot read a typed value: got __type__ ${brief(type)} with __value__ ${brief(value)}; ` +
      "known types are datetime, date, time, decimal, uuid, bytes and base64, as kombu writes them.",
    { details: { type, value } },
  );
}

function brief(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : String(value);
}

export function dateTimeText(date: Date): string {
  return date instanceof WireDateTime && date.unchanged ? date.text : formatWireTime(date.getTime());
}

/** The typed object's JSON. */
export function writeDateTime(date: Date): string {
  return `{"__type__": "datetime", "__value__": "${dateTimeText(date)}"}`;
}

export function writeWireValue(kind: WireValueKind, text: string): string {
  if (kind === "uuid") return `{"__type__": "uuid", "__value__": {"hex": ${JSON.stringify(text.replaceAll("-", ""))}}}`;
  return `{"__type__": "${kind}", "__value__": ${JSON.stringify(text)}}`;
}

/** Text where the bytes are UTF-8, base64 where they are not: kombu does the same. */
export function writeBytes(bytes: Uint8Array): string {
  const text = utf8Text(bytes);
  if (text !== undefined) return `{"__type__": "bytes", "__value__": ${JSON.stringify(text)}}`;
  return `{"__type__": "base64", "__value__": "${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}"}`;
}

/** undefined when the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What kombu 5.2 writes, as plain text: `+00:00` becomes `Z`, a date gets a midnight. */
export function untypedText(value: Date | { readonly kind: WireValueKind; readonly text: string }): string {
  if (value instanceof Date) return dateTimeText(value).replace(/\+00:00$/, "Z");
  return value.kind === "date" ? `${value.text}T00:00:00` : value.text;
}
