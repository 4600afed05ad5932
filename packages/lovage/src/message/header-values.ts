/** Single values out of headers, body and properties, as lenient as a Python worker. celery-wire.md §2.1, §4.1 ("Fine"). */
import { MessageError } from "../kernel/errors.ts";
import { type Fields, invalidBody, isFields, kindOf } from "./envelope.ts";
import { formatWireTime, readWireTime } from "./wire-time.ts";
import { WireDateTime } from "./wire-values.ts";

const none: Fields = Object.freeze({});

/** A name that must be there. */
export function name(headers: Fields, key: string): string {
  const value = headers[key];
  if (typeof value === "string" && value !== "") return value;
  throw invalidHeader(headers, key, value, "a non-empty string");
}

export function idOrNull(headers: Fields, key: string): string | null {
  const value = headers[key];
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string") return value;
  throw invalidHeader(headers, key, value, "a string or null");
}

export function numberOrNull(headers: Fields, key: string): number | null {
  const value = headers[key];
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "bigint") return Number(value);
  throw invalidHeader(headers, key, value, "a number or null");
}

/** Null, too, where it is missing. */
export function countOrNull(headers: Fields, key: string): number | null {
  const value = numberOrNull(headers, key);
  if (value === null || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw invalidHeader(headers, key, value, "a whole number from 0, or null");
}

/** The text as it stood, once it is known to be a time. */
export function time(headers: Fields, key: string): string | null {
  const value = headers[key];
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string" && readWireTime(value) !== undefined) return value;
  if (value instanceof Date) return value instanceof WireDateTime ? value.text : formatWireTime(value.getTime());
  throw invalidHeader(headers, key, value, "an ISO 8601 time or null");
}

/** `[hard, soft]`, each checked by `limit`. */
export function timeLimits(value: unknown): readonly unknown[] | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value;
  throw new MessageError(
    "LOVAGE_HEADERS_INVALID",
    `Cannot read a task message: header "timelimit" is ${kindOf(value)}, not [hard, soft] or null.`,
  );
}

/** Seconds; 0 means none, as in Celery. */
export function limit(header: unknown): number | null {
  const value = typeof header === "bigint" ? Number(header) : header;
  if (value === undefined || value === null || value === 0 || value === Number.POSITIVE_INFINITY) return null;
  if (typeof value === "number" && value > 0) return value;
  throw new MessageError(
    "LOVAGE_HEADERS_INVALID",
    `Cannot read a task message: a limit in header "timelimit" is ${kindOf(value)}, not a positive number of seconds or null.`,
  );
}

export function flag(value: unknown): boolean | null {
  return value === undefined || value === null ? null : Boolean(value);
}

export function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function names(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : null;
}

/** Missing or odd priorities are 0, numbers in text are read: kombu picks the bucket the same way. */
export function priority(value: unknown): number {
  const asNumber = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof asNumber === "number" && Number.isInteger(asNumber) ? asNumber : 0;
}

export function positional(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === undefined || value === null) return [];
  throw invalidBody(`its positional arguments are ${kindOf(value)}, not an array`);
}

export function keyword(value: unknown): Fields {
  if (isFields(value)) return value;
  if (value === undefined || value === null) return {};
  throw invalidBody(`its keyword arguments are ${kindOf(value)}, not an object`);
}

/** Headers that Celery knows, and `compression`, which belongs to the bytes. All else is the user's own. */
const celeryHeaders = new Set(
  (
    "lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin ignore_result " +
    "replaced_task_nesting stamped_headers stamps redelivered meth taskset utc compression"
  ).split(" "),
);

export function isCeleryHeader(key: string): boolean {
  return celeryHeaders.has(key);
}

export function customHeaders(headers: Fields): Fields {
  return others(headers, celeryHeaders);
}

const taskProperties = new Set(
  "correlation_id reply_to delivery_mode delivery_info priority body_encoding delivery_tag expiration lovage".split(" "),
);

export function isTaskProperty(key: string): boolean {
  return taskProperties.has(key);
}

export function otherProperties(properties: Fields): Fields {
  return others(properties, taskProperties);
}

function others(fields: Fields, known: ReadonlySet<string>): Fields {
  let found: Record<string, unknown> | undefined;
  for (const key in fields) {
    if (known.has(key)) continue;
    found ??= {};
    Object.defineProperty(found, key, { value: fields[key], writable: true, enumerable: true, configurable: true });
  }
  return found ?? none;
}

function invalidHeader(headers: Fields, key: string, value: unknown, allowed: string): MessageError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : kindOf(value);
  const task = typeof headers.task === "string" ? ` of ${headers.task.slice(0, 80)}` : "";
  return new MessageError(
    "LOVAGE_HEADERS_INVALID",
    `Cannot read a task message${task}: header "${key}" is ${shown}, expected ${allowed}.`,
    {
      details: { header: key, value },
    },
  );
}
