/**
 * The careful way to write JSON as Python reads it: dates, bytes, big integers and special floats in kombu's words, and
 * an error with the path for what has no word. `json.ts` takes it only when `JSON.stringify` would be wrong. celery-wire.md §3.
 */
import { SerializationError } from "../kernel/errors.ts";
import { isTyped, maxDepth } from "./json-reader.ts";
import { untypedText, writeBytes, writeDateTime, writeWireValue } from "./typed-values.ts";
import { wireValueKind } from "./wire-values.ts";

/** typed: as kombu ≥ 5.3. untyped: as kombu 5.2, text in place of types. raw: as typed, and typed objects pass as they are. */
export type WriteMode = "typed" | "untyped" | "raw";

/** @throws {SerializationError} LOVAGE_NOT_SERIALIZABLE with the path of what can't go */
export function writeWireJson(value: unknown, mode: WriteMode): string {
  return new Writer(mode).write(value) ?? "null";
}

class Writer {
  readonly #mode: WriteMode;
  readonly #path: (string | number)[] = [];
  readonly #open = new Set<object>();

  constructor(mode: WriteMode) {
    this.#mode = mode;
  }

  /** undefined for `undefined`: null in an array, nothing in an object. */
  write(value: unknown): string | undefined {
    switch (typeof value) {
      case "string":
        return JSON.stringify(value);
      case "number":
        return writeNumber(value);
      case "boolean":
        return value ? "true" : "false";
      case "bigint":
        return value.toString();
      case "undefined":
        return undefined;
      case "object":
        return value === null ? "null" : this.#object(value);
      default:
        return this.#refuse(`a ${typeof value}`, "send data only");
    }
  }

  #object(value: object): string {
    if (this.#open.has(value)) this.#refuse("a value that contains itself", "break the cycle");
    if (this.#path.length >= maxDepth) this.#refuse(`more than ${maxDepth} levels`, "send flatter data");
    this.#open.add(value);
    const text = Array.isArray(value) ? this.#array(value) : this.#special(value);
    this.#open.delete(value);
    return text;
  }

  #array(array: readonly unknown[]): string {
    const parts: string[] = [];
    for (let i = 0; i < array.length; i++) parts.push(this.#at(i, array[i]) ?? "null");
    return `[${parts.join(", ")}]`;
  }

  #special(value: object): string {
    if (value instanceof Date) return this.#date(value);
    if (value instanceof Uint8Array) return this.#bytes(value);
    const kind = wireValueKind(value);
    if (kind !== undefined) return this.#wireValue(kind, String(value));
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") return this.#at("toJSON()", toJSON.call(value, this.#path.at(-1) ?? "")) ?? "null";
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return this.#plain(value as Record<string, unknown>);
    return this.#refuse(described(value), "send plain objects and arrays, or give the class a toJSON()");
  }

  #plain(object: Readonly<Record<string, unknown>>): string {
    if (this.#mode === "typed" && isTyped(object)) {
      this.#refuse("an object of exactly the keys __type__ and __value__", "those keys are kombu's; rename one");
    }
    const parts: string[] = [];
    for (const key of Object.keys(object)) {
      const text = this.#at(key, object[key]);
      if (text !== undefined) parts.push(`${JSON.stringify(key)}: ${text}`);
    }
    return `{${parts.join(", ")}}`;
  }

  #date(date: Date): string {
    if (Number.isNaN(date.getTime())) this.#refuse("an invalid Date", "check how it was made");
    const year = date.getUTCFullYear();
    if (year < 1 || year > 9999) this.#refuse("a Date outside of the years 1 to 9999", "Python has no such datetime; send a number");
    return this.#mode === "untyped" ? JSON.stringify(untypedText(date)) : writeDateTime(date);
  }

  #bytes(bytes: Uint8Array): string {
    if (this.#mode === "untyped") this.#refuse("bytes", "Celery 5.2 has no word for them; send base64 text, or set typedValues");
    return writeBytes(bytes);
  }

  #wireValue(kind: NonNullable<ReturnType<typeof wireValueKind>>, text: string): string {
    return this.#mode === "untyped" ? JSON.stringify(untypedText({ kind, text })) : writeWireValue(kind, text);
  }

  #at(step: string | number, value: unknown): string | undefined {
    this.#path.push(step);
    const text = this.write(value);
    this.#path.pop();
    return text;
  }

  #refuse(what: string, remedy: string): never {
    const path = pathText(this.#path);
    throw new SerializationError("LOVAGE_NOT_SERIALIZABLE", `Cannot put ${what} on the wire, found at ${path}: ${remedy}.`, {
      details: { path },
    });
  }
}

/** A number beyond the safe integers is a float to both sides: as digits alone it would come back as a bigint. */
function writeNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  if (Number.isFinite(value)) return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

function described(value: object): string {
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "an instance of a class";
}

function pathText(path: readonly (string | number)[]): string {
  const shown = path.length > 20 ? [...path.slice(0, 10), "…", ...path.slice(-9)] : path;
  return `$${shown.map((step) => (typeof step === "number" ? `[${step}]` : /^[\w$()]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`)).join("")}`;
}
