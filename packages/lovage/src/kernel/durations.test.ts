import { describe, expect, it } from "vitest";
import { durationSeconds, parseDurationMs } from "./durations.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["9m", 540_000],
    ["1h 30m", 5_400_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["2d", 172_800_000],
    ["1w", 604_800_000],
    ["", null],
    ["10", null],
    ["ten", null],
    ["5 minutes", null],
    ["-5s", null],
  ])("%j is %j ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
  it("takes a number as seconds", () => {
    expect(durationSeconds(1.5, "x")).toBe(1.5);
    expect(durationSeconds("9m", "x")).toBe(540);
  });
  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "soon", null, {}])("refuses %j, naming where it stood", (value) => {
    expect(() => durationSeconds(value as never, "timeLimit")).toThrow(/timeLimit is .*expected a number of seconds/);
  });
});
