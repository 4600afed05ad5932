/**
 * Python values that JSON and JavaScript have no word for. They hold the text that stood on the wire, so that passing one
 * on (a retry, a callback) gives the other side exactly what it sent. celery-wire.md §3.
 */
const brand = Symbol.for("lovage.wire-value");

export type WireValueKind = "date" | "time" | "decimal" | "uuid";

abstract class WireValue {
  readonly text: string;
  abstract readonly [brand]: WireValueKind;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
}

/** Python's `date`: `2026-01-02`. */
export class PlainDate extends WireValue {
  get [brand](): WireValueKind {
    return "date";
  }
}

/** Python's `time`: `03:04:05`, with or without fraction and offset. */
export class PlainTime extends WireValue {
  get [brand](): WireValueKind {
    return "time";
  }
}

/** Python's `Decimal` by its digits: `1.10`. Arithmetic is up to the reader. */
export class Decimal extends WireValue {
  get [brand](): WireValueKind {
    return "decimal";
  }
}

/** Python's `UUID`, with dashes. A class of its own only so that it goes back as a UUID and not as a string. */
export class Uuid extends WireValue {
  get [brand](): WireValueKind {
    return "uuid";
  }
}

/**
 * A `datetime` that says more than a `Date` can: no zone, an offset other than UTC, or microseconds. It is a `Date` for
 * all who read it (a naive one is taken as UTC, as Celery does); unless changed by a setter it goes back as `text`.
 */
export class WireDateTime extends Date {
  readonly text: string;
  readonly #asRead: number;
  constructor(text: string, milliseconds: number) {
    super(milliseconds);
    this.text = text;
    this.#asRead = milliseconds;
  }
  /** False once a setter moved it: then `text` is stale. */
  get unchanged(): boolean {
    return this.getTime() === this.#asRead;
  }
}

/** Works across copies of this package; undefined for anything else. */
export function wireValueKind(value: object): WireValueKind | undefined {
  return (value as { readonly [brand]?: WireValueKind })[brand];
}
