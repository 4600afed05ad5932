/**
 * JSON as kombu reads and writes it, the fast way whenever that gives the same: `JSON.parse` and `JSON.stringify` for
 * plain data, the careful reader and writer for the rest. celery-wire.md §3.
 */
import { isLovageError, SerializationError } from "../kernel/errors.ts";
import { maxDepth, readWireJson, tooDeep } from "./json-reader.ts";
import { type WriteMode, writeWireJson } from "./json-writer.ts";

export interface ParseOptions {
  /** @defaultValue true. false leaves `{"__type__", "__value__"}` objects as they stand. */
  readonly typedValues?: boolean;
}

export interface StringifyOptions {
  /** @defaultValue true. false for peers of Celery 5.2: text in place of typed values; bytes are refused. */
  readonly typedValues?: boolean;
}

/** @throws {MessageError} LOVAGE_JSON_INVALID, LOVAGE_JSON_TOO_DEEP, LOVAGE_TYPED_VALUE_INVALID */
export function parseWireJson(text: string, options?: ParseOptions): unknown {
  const typed = options?.typedValues !== false;
  // Without the quotes: V8 searches eight characters four times as fast as ten, and a false hit only costs time.
  if ((typed && text.includes("__type__")) || hasLongInteger(text)) return readWireJson(text, typed);
  const value = tryParse(text);
  if (value === undefined) return readWireJson(text, typed); // NaN and Infinity, or the same fault in our words
  // `JSON.parse` does not recurse, all who read its value do. A text that gets so deep has that many brackets on either side.
  if (text.length > 2 * maxDepth && isTooDeep(value, 0)) throw tooDeep();
  return value;
}

/** undefined when it is not plain JSON. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth >= maxDepth) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (isTooDeep(value[i], depth + 1)) return true;
    return false;
  }
  for (const key in value) if (isTooDeep((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

/**
 * `undefined` is null at the top and in arrays, nothing in objects.
 * @throws {SerializationError} LOVAGE_NOT_SERIALIZABLE with the path of what can't go
 */
export function stringifyWireJson(value: unknown, options?: StringifyOptions): string {
  return stringify(value, options?.typedValues === false ? "untyped" : "typed");
}

/** For JSON that was read with `typedValues: false` and goes on as it came. */
export function stringifyRawJson(value: unknown): string {
  return stringify(value, "raw");
}

function stringify(value: unknown, mode: WriteMode): string {
  try {
    if (value === undefined) return "null";
    return isPlain(value, 0) ? JSON.stringify(value) : writeWireJson(value, mode);
  } catch (error) {
    if (isLovageError(error)) throw error;
    throw new SerializationError("LOVAGE_NOT_SERIALIZABLE", "Cannot put a value on the wire: a getter, proxy or toJSON() of it threw.", {
      cause: error,
    });
  }
}

const needsNoEscape = /^[ !#-[\]-~]*$/;
/** A string as JSON. Most names and ids are plain ASCII, and then this is twice as fast as `JSON.stringify`. */
export function quoteText(text: string): string {
  return needsNoEscape.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** True when `JSON.stringify` gives exactly what Python should read. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return true;
    case "number":
      return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER && (value !== 0 || 1 / value > 0);
    case "object":
      return (
        value === null || (depth < maxDepth && (Array.isArray(value) ? isPlainArray(value, depth + 1) : isPlainObject(value, depth + 1)))
      );
    default:
      return false;
  }
}

function isPlainArray(array: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) if (!isPlain(array[i], depth)) return false;
  return true;
}

function isPlainObject(object: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in object) {
    if (key === "__type__" || !isPlain((object as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}

const digitZero = 48;
const digitNine = 57;
const dot = 46;
/** The shortest integer that a double may not hold. */
const longInteger = 16;

/**
 * True when sixteen digits stand in a row anywhere but behind a decimal point. Looks at every sixteenth character only:
 * no such row fits between two of them. Digits in strings count too, which costs time and nothing else.
 */
function hasLongInteger(text: string): boolean {
  for (let i = longInteger - 1; i < text.length; i += longInteger) {
    if (!isDigit(text.charCodeAt(i))) continue;
    let first = i;
    while (isDigit(text.charCodeAt(first - 1))) first--;
    let end = i + 1;
    while (isDigit(text.charCodeAt(end))) end++;
    if (end - first >= longInteger && text.charCodeAt(first - 1) !== dot) return true;
    i = end; // no digit is looked at twice
  }
  return false;
}

function isDigit(code: number): boolean {
  return code >= digitZero && code <= digitNine; // NaN, beyond either end: false
}
