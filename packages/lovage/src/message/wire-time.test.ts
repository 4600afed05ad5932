import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { formatWireTime, parseWireTime } from "./wire-time.ts";

describe("times on the wire", () => {
  it.each([
    ["2026-11-21T06:09:31.042278+00:00", "2026-11-21T06:09:31.042Z"],
    ["2026-11-21T06:09:31+02:00", "2026-11-21T04:09:31Z"],
    ["2026-11-21T06:09:31-05:30", "2026-11-21T11:39:31Z"],
    ["2026-11-21T06:09:31+0100", "2026-11-21T05:09:31Z"],
    ["2026-11-21T06:09:31+01", "2026-11-21T05:09:31Z"],
    ["2026-11-21T06:09:31.1Z", "2026-11-21T06:09:31.100Z"],
    ["2026-11-21T06:09:31.123456789Z", "2026-11-21T06:09:31.123Z"],
    ["2030-01-02T03:04:05", "2030-01-02T03:04:05Z"],
    ["2030-01-02 03:04", "2030-01-02T03:04:00Z"],
    ["20300102T030405Z", "2030-01-02T03:04:05Z"],
    ["2030-01-02", "2030-01-02T00:00:00Z"],
    ["0099-01-02T00:00:00Z", "0099-01-02T00:00:00Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
  ])("reads %s", (text, same) => {
    expect(new Date(parseWireTime(text)).toISOString()).toBe(new Date(same).toISOString());
  });

  it.each([
    "",
    "soon",
    "2026-13-01",
    "2026-02-29",
    "2026-01-01T24:00:00",
    "2026-01-01T00:60:00",
    "2026-01-01T00:00:00+25:00",
    "1795241802",
    "2026-01-01T00:00:00 UTC",
  ])("refuses %j", (text) => {
    let thrown: unknown;
    try {
      parseWireTime(text);
    } catch (error) {
      thrown = error;
    }
    expect(isLovageError(thrown, "LOVAGE_TIME_INVALID")).toBe(true);
  });

  it("writes six digits and an offset with colon, always", () => {
    expect(formatWireTime(Date.UTC(2026, 10, 21, 6, 9, 31, 42))).toBe("2026-11-21T06:09:31.042000+00:00");
    expect(formatWireTime(Date.UTC(2026, 10, 21, 6, 9, 31))).toBe("2026-11-21T06:09:31.000000+00:00");
    expect(formatWireTime(Date.UTC(2026, 10, 21) + 0.25)).toBe("2026-11-21T00:00:00.000250+00:00");
    expect(formatWireTime(-1)).toBe("1969-12-31T23:59:59.999000+00:00");
  });

  it("reads what it writes, in any order of seconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.parse("0001-01-01T00:00:00Z"), max: Date.UTC(9999, 11) }), (ms) => {
        expect(parseWireTime(formatWireTime(ms))).toBe(ms);
      }),
    );
  });
});
