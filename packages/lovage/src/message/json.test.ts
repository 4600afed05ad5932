import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { parseWireJson, stringifyRawJson, stringifyWireJson } from "./json.ts";
import { maxDepth } from "./json-reader.ts";
import { Decimal, PlainDate, PlainTime, Uuid, WireDateTime } from "./wire-values.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isLovageError(error)) return error.code;
    throw error;
  }
  return "nothing thrown";
}

describe("parseWireJson", () => {
  it("reads Python's special floats, outside of strings only", () => {
    expect(parseWireJson('[NaN, Infinity, -Infinity, -0.0, "NaN"]')).toEqual([Number.NaN, Infinity, -Infinity, -0, "NaN"]);
  });

  it("reads integers that a double can't hold as bigint, and all others as number", () => {
    expect(parseWireJson("[9007199254740991, 9007199254740992, -9007199254740993]")).toEqual([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
    ]);
    expect(parseWireJson("[1e+100, 18446744073709551616.0, 0.12345678901234567890]")).toEqual([1e100, 2 ** 64, 0.12345678901234568]);
  });

  it("finds a long integer wherever it stands", () => {
    for (let before = 0; before < 40; before++) {
      expect(parseWireJson(`["${"x".repeat(before)}",12345678901234567]`)).toEqual(["x".repeat(before), 12345678901234567n]);
      expect(parseWireJson(`["${"0.1234567890123456789".repeat(3)}${"x".repeat(before)}",1234567890123456789]`)).toHaveProperty(
        "1",
        1234567890123456789n,
      );
    }
  });

  it("keeps a __proto__ key as data, on both ways", () => {
    for (const text of ['{"__proto__": {"polluted": 1}}', '{"__proto__": {"polluted": 1}, "n": NaN}']) {
      const value = parseWireJson(text) as object;
      expect(Object.keys(value)[0]).toBe("__proto__");
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      expect(parseWireJson(stringifyWireJson(value))).toEqual(value);
    }
  });

  it("reads kombu's typed values", () => {
    const typed = (type: string, value: unknown) => parseWireJson(JSON.stringify({ __type__: type, __value__: value }));
    expect(typed("datetime", "2026-01-02T03:04:05.678+00:00")).toEqual(new Date("2026-01-02T03:04:05.678Z"));
    expect(typed("datetime", "2026-01-02T03:04:05.678+00:00")).not.toBeInstanceOf(WireDateTime);
    expect(typed("datetime", "2026-01-02T03:04:05.678901+00:00")).toMatchObject({ text: "2026-01-02T03:04:05.678901+00:00" });
    expect(typed("datetime", "2026-01-02T03:04:05-05:30")).toEqual(new Date("2026-01-02T08:34:05Z"));
    expect(typed("date", "2026-01-02")).toEqual(new PlainDate("2026-01-02"));
    expect(typed("time", "03:04:05.000060+00:00")).toEqual(new PlainTime("03:04:05.000060+00:00"));
    expect(typed("decimal", "1.10")).toEqual(new Decimal("1.10"));
    expect(`${typed("uuid", { hex: "11111111111141118111111111111111" })}`).toBe("11111111-1111-4111-8111-111111111111");
    expect(typed("bytes", "abc")).toEqual(Uint8Array.of(97, 98, 99));
    expect(typed("base64", "/wA=")).toEqual(Uint8Array.of(255, 0));
  });

  it("leaves objects alone whose keys are not exactly the two", () => {
    expect(parseWireJson('{"__type__": "date"}')).toEqual({ __type__: "date" });
    expect(parseWireJson('{"__type__": "date", "__value__": "2026-01-02", "x": 1}')).toMatchObject({ x: 1, __value__: "2026-01-02" });
    expect(parseWireJson('"__type__"')).toBe("__type__");
    expect(parseWireJson('{"__type__": "no-such", "__value__": 1}', { typedValues: false })).toEqual({ __type__: "no-such", __value__: 1 });
  });

  it.each([
    ['{"__type__": "no-such", "__value__": 1}', "LOVAGE_TYPED_VALUE_INVALID"],
    ['{"__type__": ["datetime"], "__value__": 1}', "LOVAGE_TYPED_VALUE_INVALID"],
    ['{"__type__": "datetime", "__value__": "yesterday"}', "LOVAGE_TYPED_VALUE_INVALID"],
    ['{"__type__": "datetime", "__value__": 5}', "LOVAGE_TYPED_VALUE_INVALID"],
    ['{"__type__": "uuid", "__value__": {"hex": "11"}}', "LOVAGE_TYPED_VALUE_INVALID"],
    ['{"__type__": "decimal", "__value__": "one"}', "LOVAGE_TYPED_VALUE_INVALID"],
    ["", "LOVAGE_JSON_INVALID"],
    ["[1,]", "LOVAGE_JSON_INVALID"],
    ["[NaN", "LOVAGE_JSON_INVALID"],
    ["{NaN: 1}", "LOVAGE_JSON_INVALID"],
    ["[NaN] x", "LOVAGE_JSON_INVALID"],
    ['["a\nb", NaN]', "LOVAGE_JSON_INVALID"],
    ['["\\x", NaN]', "LOVAGE_JSON_INVALID"],
    ['["\\", NaN]', "LOVAGE_JSON_INVALID"],
    ["[01, NaN]", "LOVAGE_JSON_INVALID"],
    ["-", "LOVAGE_JSON_INVALID"],
    ["+Infinity", "LOVAGE_JSON_INVALID"],
    ["undefined", "LOVAGE_JSON_INVALID"],
    ["9".repeat(5000), "LOVAGE_JSON_INVALID"],
  ])("refuses %s", (text, code) => {
    expect(codeOf(() => parseWireJson(text))).toBe(code);
  });

  it("reads down to a fixed depth, whichever way it goes", () => {
    const nested = (levels: number, inner: string) => "[".repeat(levels) + inner + "]".repeat(levels);
    for (const inner of ["", "NaN"]) {
      expect(codeOf(() => parseWireJson(nested(maxDepth, inner)))).toBe("nothing thrown");
      expect(codeOf(() => parseWireJson(nested(maxDepth + 1, inner)))).toBe("LOVAGE_JSON_TOO_DEEP");
      expect(codeOf(() => parseWireJson(nested(1_000_000, inner)))).toBe("LOVAGE_JSON_TOO_DEEP");
    }
  });
});

describe("stringifyWireJson", () => {
  const date = new Date("2026-01-02T03:04:05.678Z");

  it("writes kombu's typed values", () => {
    const value = [
      date,
      new PlainDate("2026-01-02"),
      new Decimal("1.10"),
      Uint8Array.of(97),
      Buffer.from([255]),
      2n ** 70n,
      Number.NaN,
      -Infinity,
      -0,
    ];
    expect(stringifyWireJson(value)).toBe(
      '[{"__type__": "datetime", "__value__": "2026-01-02T03:04:05.678000+00:00"}, {"__type__": "date", "__value__": "2026-01-02"}, ' +
        '{"__type__": "decimal", "__value__": "1.10"}, {"__type__": "bytes", "__value__": "a"}, {"__type__": "base64", "__value__": "/w=="}, ' +
        "1180591620717411303424, NaN, -Infinity, -0.0]",
    );
  });

  it("writes text in their place for peers of 5.2, and refuses bytes", () => {
    const value = [
      date,
      new PlainDate("2026-01-02"),
      new PlainTime("03:04:05"),
      new Decimal("1.10"),
      new Uuid("11111111-1111-4111-8111-111111111111"),
    ];
    expect(JSON.parse(stringifyWireJson(value, { typedValues: false }))).toEqual([
      "2026-01-02T03:04:05.678000Z",
      "2026-01-02T00:00:00",
      "03:04:05",
      "1.10",
      "11111111-1111-4111-8111-111111111111",
    ]);
    expect(codeOf(() => stringifyWireJson([Uint8Array.of(1)], { typedValues: false }))).toBe("LOVAGE_NOT_SERIALIZABLE");
  });

  it("writes a number that is no safe integer as the float that it is, so that it comes back as a number", () => {
    expect(stringifyWireJson([2 ** 53, -(2 ** 60), 1e21, 1e300])).toBe("[9007199254740992.0, -1152921504606847000.0, 1e+21, 1e+300]");
    expect(stringifyWireJson(2 ** 53 - 1)).toBe("9007199254740991");
    expect(parseWireJson(stringifyWireJson([2 ** 53, 1e20]))).toEqual([2 ** 53, 1e20]);
  });

  it("passes a datetime on as it came, until someone moves it", () => {
    const text = '{"__type__": "datetime", "__value__": "2026-01-02T03:04:05.678901-05:30"}';
    const value = parseWireJson(text) as Date;
    expect(stringifyWireJson(value)).toBe(text);
    value.setUTCFullYear(2027);
    expect(stringifyWireJson(value)).toBe('{"__type__": "datetime", "__value__": "2027-01-02T08:34:05.678000+00:00"}');
  });

  it("takes undefined for null in arrays and for nothing in objects", () => {
    expect(stringifyWireJson(undefined)).toBe("null");
    expect(JSON.parse(stringifyWireJson([undefined, { a: undefined, b: 1 }]))).toEqual([null, { b: 1 }]);
    expect(JSON.parse(stringifyWireJson([undefined, { a: undefined, b: date }]))).toEqual([null, { b: expect.anything() }]);
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    expect(JSON.parse(stringifyWireJson([1, , 2n]))).toEqual([1, null, 2]);
  });

  it("uses toJSON of classes that have one", () => {
    expect(stringifyWireJson({ at: new URL("http://a.b/c") })).toBe('{"at": "http://a.b/c"}');
  });

  const cyclic: Record<string, unknown> = { a: [] };
  (cyclic.a as unknown[]).push(cyclic);
  class Point {}
  it.each<[string, unknown, string]>([
    ["a Set", { a: [1, new Set()] }, "$.a[1]"],
    ["a Map", new Map(), "$"],
    ["a function", [() => 1], "$[0]"],
    ["a symbol", { "odd key": Symbol("x") }, '$["odd key"]'],
    ["an instance of Point", { p: new Point() }, "$.p"],
    ["an instance of Error", [new Error("x")], "$[0]"],
    ["an invalid Date", [new Date(Number.NaN)], "$[0]"],
    ["a Date outside of the years 1 to 9999", [new Date(8.64e15)], "$[0]"],
    ["contains itself", cyclic, "$.a[0]"],
    ["__type__", { x: { __type__: "date", __value__: 1 } }, "$.x"],
    ["Float32Array", { f: new Float32Array(1) }, "$.f"],
  ])("refuses %s and names the path", (what, value, path) => {
    expect(codeOf(() => stringifyWireJson(value))).toBe("LOVAGE_NOT_SERIALIZABLE");
    expect(() => stringifyWireJson(value)).toThrow(what.replace("a Set", "an instance of Set").replace("a Map", "an instance of Map"));
    expect(() => stringifyWireJson(value)).toThrow(`found at ${path}:`);
  });

  it("refuses what throws when it is read, and what is too deep, with a typed error", () => {
    const hostile = {
      get a(): never {
        throw new Error("no");
      },
    };
    expect(codeOf(() => stringifyWireJson(hostile))).toBe("LOVAGE_NOT_SERIALIZABLE");
    let deep: unknown[] = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(codeOf(() => stringifyWireJson(deep))).toBe("LOVAGE_NOT_SERIALIZABLE");
  });

  it("lets the same value stand in two places", () => {
    const shared = { at: date };
    expect(codeOf(() => stringifyWireJson([shared, shared]))).toBe("nothing thrown");
  });

  it("raw: passes objects of kombu's keys as they are", () => {
    expect(stringifyRawJson({ __type__: "no-such", __value__: 1 })).toBe('{"__type__": "no-such", "__value__": 1}');
  });
});
