import { describe, expect, it } from "vitest";
import { traceIdOf, traceOf } from "./trace-context.ts";

const id = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${id}-b7ad6b7169203331-01`;

describe("traceOf", () => {
  it("takes what is well formed, and the state only beside it", () => {
    expect(traceOf({ traceparent, tracestate: "a=1", baggage: "user=7", other: 1 })).toEqual({
      traceparent,
      tracestate: "a=1",
      baggage: "user=7",
    });
    expect(traceOf({ tracestate: "a=1", baggage: "user=7" })).toEqual({ baggage: "user=7" });
    expect(traceIdOf({ traceparent })).toBe(id);
  });

  it.each([
    ["no text", 7],
    ["empty", ""],
    ["a trace of zeros", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["a span of zeros", `00-${id}-${"0".repeat(16)}-01`],
    ["version ff", `ff-${id}-b7ad6b7169203331-01`],
    ["capitals", traceparent.toUpperCase()],
    ["too long", `${traceparent}-${"x".repeat(300)}`],
    ["a second line", `${traceparent}\nx: y`],
    ["something behind it", `${traceparent}x`],
  ])("leaves out a traceparent that is %s", (_, bad) => {
    expect(traceOf({ traceparent: bad })).toBeUndefined();
    expect(traceIdOf({ traceparent: bad })).toBeUndefined();
  });

  it("reads a later version's by its known part, and leaves out what is too long or not visible", () => {
    expect(traceIdOf({ traceparent: `01-${id}-b7ad6b7169203331-01-more` })).toBe(id);
    expect(traceOf({ traceparent, tracestate: "a".repeat(513), baggage: "b\r\nx: y" })).toEqual({ traceparent });
  });
});
