/**
 * Readable text of arguments and results as Celery's monitors show it: its "safe repr", Python's spelling within a budget
 * of characters and three levels. Quirks included: what `celery inspect` shows for us should look like what it shows for
 * Python. celery-wire.md §14.1.
 */

import { dateTimeText, utf8Text } from "./typed-values.ts";
import { readWireTime } from "./wire-time.ts";
import { type WireValueKind, wireValueKind } from "./wire-values.ts";

/** Celery's `argsrepr_maxsize`, in characters. */
const defaultBudget = 1024;
const maxLevels = 3;

/** @param budget characters; the text may be a little longer, as Celery's is */
export function safeRepr(value: unknown, budget: number = defaultBudget): string {
  return new Repr(budget).text(value, false);
}

/** Positional arguments as user code sends them: a tuple. Those out of a signature are a list: `safeRepr(args)`. */
export function reprArgs(args: readonly unknown[]): string {
  if (args.length === 0) return "()";
  return shortTuple(args) ?? new Repr(defaultBudget).text(args, true);
}

/** What most calls have: nothing to nest, nothing to cut. undefined: there is more to it. */
function shortTuple(args: readonly unknown[]): string | undefined {
  let text = "(";
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (typeof arg === "object" && arg !== null) return undefined;
    text += `${i > 0 ? ", " : ""}${typeof arg === "string" ? quoted(arg) : atom(arg)}`;
    if (text.length > defaultBudget / 2) return undefined;
  }
  return args.length === 1 ? `${text},)` : `${text})`;
}

export function reprKwargs(kwargs: Readonly<Record<string, unknown>>): string {
  for (const _ in kwargs) return safeRepr(kwargs);
  return "{}";
}

/** Marks where the budget ended; what follows is only the brackets still open. */
class Spent extends Error {}
const spent = new Spent();

class Repr {
  #left: number;
  #out = "";
  readonly #closers: string[] = [];
  readonly #open = new Set<object>();

  constructor(budget: number) {
    this.#left = budget;
  }

  text(value: unknown, asTuple: boolean): string {
    try {
      if (asTuple) this.#sequence(value as readonly unknown[], "(", (value as readonly unknown[]).length === 1 ? ",)" : ")");
      else this.#value(value);
    } catch (error) {
      if (error !== spent) return this.#out === "" ? "<unprintable>" : `${this.#out}<unprintable>${this.#closers.reverse().join("")}`;
      this.#out += `, ...${this.#closers.reverse().join("")}`;
    }
    return this.#out;
  }

  #emit(token: string): void {
    if (this.#left <= 0) throw spent;
    this.#out += token;
    this.#left -= token.length;
  }

  #value(value: unknown): void {
    if (typeof value === "string") this.#emitCut(value, quoted);
    else if (typeof value === "object" && value !== null) this.#object(value);
    else this.#emitCut(atom(value), (text) => text);
  }

  /** Celery cuts a long token at a word, then counts it. */
  #emitCut(text: string, finish: (text: string) => string): void {
    if (this.#left <= 0) throw spent;
    this.#emit(finish(text.length >= this.#left ? `${atWord(text.slice(0, this.#left))}...` : text));
  }

  #object(value: object): void {
    if (Array.isArray(value)) this.#sequence(value, "[", "]");
    else if (value instanceof Set && value.size > 0) this.#sequence([...value], "{", "}");
    else if (value instanceof Uint8Array) this.#emitCut(bytesText(value, this.#left), (text) => `b'${text}'`);
    else if (value instanceof Map) this.#mapping(value, [...value.entries()]);
    else if (isPlainObject(value)) this.#mapping(value, Object.entries(value));
    else this.#emitCut(instanceText(value), (text) => text);
  }

  #sequence(items: readonly unknown[], start: string, end: string): void {
    this.#nest(items, start, end, () => {
      for (let i = 0; i < items.length; i++) {
        if (i > 0) this.#emit(", ");
        this.#value(items[i]);
      }
    });
  }

  #mapping(value: object, entries: readonly (readonly [unknown, unknown])[]): void {
    this.#nest(value, "{", "}", () => {
      for (let i = 0; i < entries.length; i++) {
        const [key, item] = entries[i] as readonly [unknown, unknown];
        if (i > 0) this.#emit(", ");
        this.#emit(new Repr(this.#left).text(key, false));
        this.#emit(": ");
        this.#value(item);
      }
    });
  }

  #nest(value: object, start: string, end: string, inside: () => void): void {
    if (this.#closers.length >= maxLevels) this.#emitCut(`${start}...${end}`, (text) => text);
    else if (this.#open.has(value)) this.#emit("<Recursion on object>");
    else {
      // The order decides which brackets survive the end of the budget: an opening one may be lost, and a closing one, as in Celery.
      this.#closers.push(end);
      this.#emit(start);
      this.#open.add(value);
      inside();
      this.#closers.pop();
      this.#open.delete(value);
      this.#emit(end);
    }
  }
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function instanceText(value: object): string {
  if (value instanceof Date) return dateTimeRepr(value);
  if (value instanceof Set) return "set()";
  const kind = wireValueKind(value);
  return kind === undefined ? `<${value.constructor?.name || "object"} object>` : wireValueRepr(kind, String(value));
}

function atWord(text: string): string {
  const space = text.lastIndexOf(" ");
  return space < 0 ? text : text.slice(0, space);
}

/** Backslashes and newlines stay as they are: it is for people. */
function quoted(text: string): string {
  return text.includes("'") ? `'${text.replaceAll("'", "\\'")}'` : `'${text}'`;
}

function atom(value: unknown): string {
  switch (typeof value) {
    case "number":
      return numberRepr(value);
    case "boolean":
      return value ? "True" : "False";
    case "bigint":
      return value.toString();
    case "function":
      return `<function ${value.name || "anonymous"}>`;
    case "symbol":
      return `<${value.toString()}>`;
    default:
      return "None";
  }
}

function numberRepr(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (Number.isFinite(value)) return String(value).replace(/e([+-])(\d)$/, "e$10$2");
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

function bytesText(bytes: Uint8Array, limit: number): string {
  const shown = bytes.subarray(0, limit);
  return utf8Text(shown) ?? Buffer.from(shown.buffer, shown.byteOffset, shown.byteLength).toString("hex");
}

/** `datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc)` */
function dateTimeRepr(date: Date): string {
  if (Number.isNaN(date.getTime())) return "<invalid Date>";
  const text = dateTimeText(date);
  const zone = readWireTime(text)?.zone ?? "";
  const [day = "", clock = ""] = text.split(/[T ]/);
  const numbers = [...day.split("-").map(Number), ...clockNumbers(clock.slice(0, clock.length - zone.length))];
  return `datetime.datetime(${numbers.join(", ")}${zoneRepr(zone)})`;
}

function clockNumbers(clock: string): number[] {
  const [hour, minute, second, fraction] = clock.split(/[:.]/);
  const numbers = [Number(hour ?? 0), Number(minute ?? 0)];
  const micros = Number((fraction ?? "").padEnd(6, "0"));
  if (Number(second ?? 0) > 0 || micros > 0) numbers.push(Number(second));
  if (micros > 0) numbers.push(micros);
  return numbers;
}

function zoneRepr(zone: string): string {
  if (zone === "") return "";
  if (zone === "Z" || zone === "z" || zone === "+00:00") return ", tzinfo=datetime.timezone.utc";
  const seconds = (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
  const parts = seconds < 0 ? `days=-1, seconds=${seconds + 86_400}` : `seconds=${seconds}`;
  return `, tzinfo=datetime.timezone(datetime.timedelta(${parts}))`;
}

function wireValueRepr(kind: WireValueKind, text: string): string {
  if (kind === "decimal") return `Decimal('${text}')`;
  if (kind === "uuid") return `UUID('${text}')`;
  if (kind === "date") return `datetime.date(${text.split("-").map(Number).join(", ")})`;
  const zone = /(Z|[+-]\d\d:\d\d)$/.exec(text)?.[0] ?? "";
  return `datetime.time(${clockNumbers(text.slice(0, text.length - zone.length)).join(", ")}${zoneRepr(zone)})`;
}
