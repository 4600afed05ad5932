import { describe, expect, it } from "vitest";
import { reprArgs, reprKwargs, safeRepr } from "./repr.ts";
import { Decimal, PlainDate, PlainTime, Uuid, WireDateTime } from "./wire-values.ts";

describe("safeRepr", () => {
  it.each<[unknown, string]>([
    [2, "2"],
    [1.5, "1.5"],
    [1e100, "1e+100"],
    [1e-7, "1e-07"],
    [-0, "-0.0"],
    [Number.NaN, "nan"],
    [-Infinity, "-inf"],
    [2n ** 64n, "18446744073709551616"],
    [true, "True"],
    [null, "None"],
    [undefined, "None"],
    ["done", "'done'"],
    ["it's\n\\", "'it\\'s\n\\'"],
    ["héllo 😀", "'héllo 😀'"],
    [[], "[]"],
    [{}, "{}"],
    [{ a: 1, b: ["x", null] }, "{'a': 1, 'b': ['x', None]}"],
    [[[[[1]]]], "[[[[...]]]]"],
    [{ a: { b: { c: { d: 1 } } } }, "{'a': {'b': {'c': {...}}}}"],
    [new Set([1, 2]), "{1, 2}"],
    [new Set(), "set()"],
    [new Map([["k", 1]]), "{'k': 1}"],
    [Buffer.from("text"), "b'text'"],
    [Uint8Array.of(0x61, 0x62, 0xff), "b'6162ff'"],
    [new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), "datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)"],
    [new WireDateTime("2026-01-02T03:04:00", 0), "datetime.datetime(2026, 1, 2, 3, 4)"],
    [
      new WireDateTime("2026-01-02T03:04:05-05:30", 0),
      "datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=66600)))",
    ],
    [new Date(Number.NaN), "<invalid Date>"],
    [new PlainDate("2026-01-02"), "datetime.date(2026, 1, 2)"],
    [new PlainTime("03:04:05.000060+00:00"), "datetime.time(3, 4, 5, 60, tzinfo=datetime.timezone.utc)"],
    [new Decimal("1.10"), "Decimal('1.10')"],
    [new Uuid("11111111-1111-4111-8111-111111111111"), "UUID('11111111-1111-4111-8111-111111111111')"],
    [new URL("http://a.b"), "<URL object>"],
  ])("$1", (value, text) => {
    expect(safeRepr(value)).toBe(text);
  });

  it("stops at the budget, closing what is open", () => {
    expect(safeRepr(["x".repeat(50), 1, 2], 20)).toBe(`['${"x".repeat(19)}...', ...]`);
    expect(safeRepr("abcde", 5)).toBe("'abcde...'"); // Celery cuts at the budget, not beyond it
    expect(safeRepr("one two three", 9)).toBe("'one two...'");
    expect(safeRepr(Array.from({ length: 10_000 }, () => 12)).length).toBeLessThan(1100);
  });

  it("survives values that contain themselves or throw", () => {
    const cyclic: unknown[] = [1];
    cyclic.push(cyclic);
    expect(safeRepr(cyclic)).toBe("[1, <Recursion on object>]");
    const hostile = {
      get a(): never {
        throw new Error("no");
      },
    };
    expect(safeRepr([hostile])).toContain("<unprintable>");
  });

  it("shows arguments as a tuple and keywords as a dict", () => {
    expect(reprArgs([])).toBe("()");
    expect(reprArgs([2])).toBe("(2,)");
    expect(reprArgs([2, "x"])).toBe("(2, 'x')");
    expect(reprKwargs({})).toBe("{}");
    expect(reprKwargs({ x: 2 })).toBe("{'x': 2}");
  });
});
