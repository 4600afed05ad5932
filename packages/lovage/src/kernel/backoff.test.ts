import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffDelayMs, backoffRangeMs, celeryBackoff, exponential, fixed } from "./backoff.ts";
import { isLovageError } from "./errors.ts";

const delays = (backoff: Parameters<typeof backoffDelayMs>[0], count: number, random = () => 0.5) =>
  Array.from({ length: count }, (_, retries) => backoffDelayMs(backoff, retries, random));

describe("backoff", () => {
  it("doubles exactly without jitter", () => {
    expect(delays(exponential({ first: "2s", max: "10m", jitter: "none" }), 3)).toEqual([2000, 4000, 8000]);
    expect(delays(exponential({ first: "60s", jitter: "none" }), 3)).toEqual([60_000, 120_000, 240_000]);
  });
  it("stops growing at its longest delay", () => {
    expect(delays(exponential({ first: 1, max: 5, jitter: "none" }), 5)).toEqual([1000, 2000, 4000, 5000, 5000]);
    expect(backoffDelayMs(exponential({ jitter: "none" }), 5000)).toBe(600_000);
  });
  it("draws whole seconds from 0 to the delay inclusive, as Celery does", () => {
    expect(delays(celeryBackoff, 3, () => 0.999_999)).toEqual([1000, 2000, 4000]);
    expect(delays(celeryBackoff, 3, () => 0)).toEqual([0, 0, 0]);
    expect(backoffDelayMs(celeryBackoff, 20, () => 0.999_999)).toBe(600_000);
  });
  it("draws between half of the delay and all of it", () => {
    const backoff = exponential({ first: "2s", jitter: "equal" });
    expect(delays(backoff, 3, () => 0)).toEqual([1000, 2000, 4000]);
    expect(delays(backoff, 2)).toEqual([1500, 3000]);
    expect(backoffRangeMs(backoff, 1)).toEqual({ leastMs: 2000, mostMs: 4000 });
  });
  it("waits the same time always when it is fixed", () => {
    expect(delays(fixed("30s"), 3)).toEqual([30_000, 30_000, 30_000]);
  });
  it("never gives a negative delay or one above its longest", () => {
    const jitters = fc.constantFrom("none", "full", "equal", "celery");
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.nat(3000),
        jitters,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (first, factor, retries, jitter, drawn) => {
          const delay = backoffDelayMs({ firstMs: first, factor, maxMs: 600_000, jitter }, retries, () => drawn);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(600_000);
        },
      ),
    );
  });
  it("refuses a factor that shrinks and an unknown jitter", () => {
    const code = (make: () => unknown) => {
      try {
        return make();
      } catch (error) {
        return isLovageError(error) ? error.code : error;
      }
    };
    expect(code(() => exponential({ factor: 0.5 }))).toBe("LOVAGE_BACKOFF_INVALID");
    expect(code(() => exponential({ jitter: "some" as never }))).toBe("LOVAGE_BACKOFF_INVALID");
    expect(code(() => exponential({ first: "soon" }))).toBe("LOVAGE_DURATION_INVALID");
  });
});
