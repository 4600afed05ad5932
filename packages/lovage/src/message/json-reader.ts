/**
 * The careful way through JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` as bare tokens, integers of any
 * length, typed objects. `json.ts` takes it only when `JSON.parse` can't; it is some ten times slower. celery-wire.md §3.
 */
import { type ErrorCode, MessageError } from "../kernel/errors.ts";
import { readTypedValue } from "./typed-values.ts";

/** Deeper values are refused both ways. Python gives up near 1,000. */
export const maxDepth = 500;
/** Python's own bound for the digits of an integer; without one a long number costs quadratic time. */
const maxIntegerDigits = 4300;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const blank = /[ \t\n\r]*/y;

/** @throws {MessageError} LOVAGE_JSON_INVALID, LOVAGE_JSON_TOO_DEEP, LOVAGE_TYPED_VALUE_INVALID */
export function readWireJson(text: string, typedValues: boolean): unknown {
  return new Reader(text, typedValues).document();
}

class Reader {
  readonly #text: string;
  readonly #typed: boolean;
  #at = 0;

  constructor(text: string, typed: boolean) {
    this.#text = text;
    this.#typed = typed;
  }

  document(): unknown {
    this.#skip();
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) this.#fail("text after the end of the value");
    return value;
  }

  #value(depth: number): unknown {
    const char = this.#text[this.#at];
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return this.#string();
    if (char === "t") return this.#word("true", true);
    if (char === "f") return this.#word("false", false);
    if (char === "n") return this.#word("null", null);
    if (char === "N") return this.#word("NaN", Number.NaN);
    if (char === "I") return this.#word("Infinity", Number.POSITIVE_INFINITY);
    if (char === "-" && this.#text[this.#at + 1] === "I") return this.#word("-Infinity", Number.NEGATIVE_INFINITY);
    return this.#number();
  }

  #object(depth: number): unknown {
    if (depth >= maxDepth) throw tooDeep();
    const object: Record<string, unknown> = {};
    this.#at++;
    this.#skip();
    if (this.#take("}")) return object;
    for (;;) {
      if (this.#text[this.#at] !== '"') this.#fail("a key in quotes expected");
      const key = this.#string();
      this.#skip();
      if (!this.#take(":")) this.#fail('":" expected');
      this.#skip();
      put(object, key, this.#value(depth + 1));
      this.#skip();
      if (this.#take("}")) break;
      if (!this.#take(",")) this.#fail('"," or "}" expected');
      this.#skip();
    }
    return this.#typed && isTyped(object) ? readTypedValue(object.__type__, object.__value__) : object;
  }

  #array(depth: number): unknown[] {
    if (depth >= maxDepth) throw tooDeep();
    const array: unknown[] = [];
    this.#at++;
    this.#skip();
    if (this.#take("]")) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      this.#skip();
      if (this.#take("]")) return array;
      if (!this.#take(",")) this.#fail('"," or "]" expected');
      this.#skip();
    }
  }

  #string(): string {
    let end = this.#at;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) this.#fail("a string without end");
    } while (this.#escaped(end));
    const quoted = this.#text.slice(this.#at, end + 1);
    try {
      const value = JSON.parse(quoted) as string;
      this.#at = end + 1;
      return value;
    } catch {
      return this.#fail("a string with a bad escape or a bare control character");
    }
  }

  /** True when an odd number of backslashes stands before. */
  #escaped(quote: number): boolean {
    let first = quote;
    while (this.#text[first - 1] === "\\") first--;
    return (quote - first) % 2 === 1;
  }

  #number(): number | bigint {
    number.lastIndex = this.#at;
    const found = number.exec(this.#text);
    if (found === null) return this.#fail("a value expected");
    const digits = found[0];
    this.#at += digits.length;
    const value = Number(digits);
    if (found[1] !== undefined || found[2] !== undefined || Number.isSafeInteger(value)) return value;
    if (digits.length > maxIntegerDigits) this.#fail(`an integer of ${digits.length} digits, at most ${maxIntegerDigits} are read`);
    return BigInt(digits);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("a value expected");
    this.#at += word.length;
    return value;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code > 32) return;
    blank.lastIndex = this.#at;
    blank.test(this.#text);
    this.#at = blank.lastIndex;
  }

  #fail(what: string): never {
    const near = this.#text.slice(Math.max(0, this.#at - 10), this.#at + 20);
    throw new MessageError("LOVAGE_JSON_INVALID", `Cannot read JSON: ${what} at character ${this.#at}, near ${JSON.stringify(near)}.`, {
      details: { at: this.#at },
    });
  }
}

/** An own property whatever the name: `__proto__` stays data. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/** kombu's rule: the key set is exactly these two. */
export function isTyped(object: object): boolean {
  return Object.hasOwn(object, "__type__") && Object.hasOwn(object, "__value__") && Object.keys(object).length === 2;
}

export function tooDeep(code: ErrorCode = "LOVAGE_JSON_TOO_DEEP"): MessageError {
  return new MessageError(code, `Cannot read JSON: nested more than ${maxDepth} levels deep. Send flatter data.`, {
    details: { maxDepth },
  });
}
