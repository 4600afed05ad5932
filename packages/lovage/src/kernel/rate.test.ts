import { describe, expect, it } from "vitest";
import { rateIntervalMs } from "./rate.ts";

describe("a rate", () => {
  it.each([
    ["10/s", 100],
    ["100/m", 600],
    ["5/h", 720_000],
    ["0.5/s", 2000],
    ["4", 250],
    [4, 250],
    [0.1, 10_000],
    [0, null],
    ["0/m", null],
    ["ten/s", undefined],
    ["10/d", undefined],
    ["10/", undefined],
    ["", undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ])("%j is one start in %j ms", (rate, intervalMs) => {
    expect(rateIntervalMs(rate)).toBe(intervalMs);
  });
});
