import { describe, expect, it } from "vitest";
import { retryAfterMs, retryAfterOf } from "./retry-after.ts";

const now = Date.parse("2026-11-21T12:00:00Z");

describe("Retry-After", () => {
  it.each([
    ["120", 120_000],
    [" 0 ", 0],
    [1.5, 1500],
    ["Sat, 21 Nov 2026 12:00:30 GMT", 30_000],
    [new Date(now + 250), 250],
    ["Sat, 21 Nov 2026 11:00:00 GMT", 0],
    [-5, 0],
    ["999999999", 86_400_000],
    ["soon", undefined],
    ["", undefined],
    [new Date(Number.NaN), undefined],
    [undefined, undefined],
    [null, undefined],
  ])("reads %j as %j ms", (said, ms) => {
    expect(retryAfterMs(said as never, now)).toBe(ms);
  });

  it("finds it in a response, whatever kind of headers that has", () => {
    expect(retryAfterMs(new Response(null, { status: 429, headers: { "Retry-After": "7" } }), now)).toBe(7000);
    expect(retryAfterMs({ headers: { "retry-after": "7" } }, now)).toBe(7000);
    expect(retryAfterMs({ headers: {} }, now)).toBeUndefined();
    expect(retryAfterMs({ headers: null } as never, now)).toBeUndefined();
  });

  it("finds it in an error, its response or its cause", () => {
    expect(retryAfterOf(Object.assign(new Error("slow down"), { retryAfter: 3 }), now)).toBe(3000);
    const byClient = Object.assign(new Error("429"), { response: { headers: { "retry-after": "9" } } });
    expect(retryAfterOf(byClient, now)).toBe(9000);
    expect(retryAfterOf(new Error("upload", { cause: byClient }), now)).toBe(9000);
    expect(retryAfterOf(new Error("other"), now)).toBeUndefined();
    expect(retryAfterOf("thrown text", now)).toBeUndefined();
  });

  it("does not follow causes in a circle for ever", () => {
    const error: { cause?: unknown } = {};
    error.cause = error;
    expect(retryAfterOf(error, now)).toBeUndefined();
  });
});
