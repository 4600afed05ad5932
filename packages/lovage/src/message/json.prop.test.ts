import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { parseWireJson, stringifyWireJson } from "./json.ts";
import { Decimal, PlainDate } from "./wire-values.ts";

const unsafeBigInt = fc.bigInt().filter((n) => !Number.isSafeInteger(Number(n)));
// A date of ours has milliseconds; years beyond four digits are no ISO text of Python's.
const date = fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true });
const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger());
const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "__value__"));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.string({ unit: "binary" }),
    number,
    fc.boolean(),
    fc.constant(null),
    unsafeBigInt,
    date,
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    fc.constantFrom(new Decimal("1.10"), new PlainDate("2026-01-02")),
    fc.array(tie("value")),
    fc.array(fc.tuple(key, tie("value"))).map((entries) => Object.fromEntries(entries)),
  ),
}));

describe("JSON on the wire", () => {
  it("comes back as it went, for all values that have a word", () => {
    fc.assert(
      fc.property(value, (sent) => {
        expect(parseWireJson(stringifyWireJson(sent))).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  it("is read alike by JSON.parse wherever that can read it and nothing is typed or long", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/\d{16}/.test(text.replaceAll(/\.\d+/g, "")));
        expect(parseWireJson(text)).toEqual(JSON.parse(text));
        // The careful way, forced by a token that JSON.parse can't read, agrees.
        expect(parseWireJson(`[NaN, ${text}]`)).toEqual([Number.NaN, JSON.parse(text)]);
      }),
      { numRuns: 500 },
    );
  });

  it("is a value or a typed error, whatever the text", () => {
    const piece = fc.constantFrom(
      ...'[]{}:,"\\ 019.-+eE',
      "NaN",
      "Infinity",
      "null",
      "true",
      '"__type__"',
      '"__value__"',
      '"date"',
      "1".repeat(17),
      "\n",
      "é",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
        ),
        (text) => {
          try {
            parseWireJson(text);
          } catch (error) {
            expect(isLovageError(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("is text or a typed error, whatever the value", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (sent) => {
          try {
            parseWireJson(stringifyWireJson(sent));
          } catch (error) {
            expect(isLovageError(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
