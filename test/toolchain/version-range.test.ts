import { describe, expect, test } from "vitest";
import { accepts } from "../../scripts/version-range.mjs";

describe("Node 20.19.0", () => {
  test.each([
    "*",
    "",
    "20",
    "20.x",
    "20.19.x",
    "v20.19.0",
    "=20.19.0",
    ">=18",
    ">= 14.0.0",
    ">=18 <21",
    ">=18.0.0 <22",
    "^18.18.0 || ^20.9.0 || >=21.1.0",
    "^20.0.0",
    "~20.19",
    "<=20",
    "<=20.19.0",
    "18 - 20",
    "18.0.0 - 20.19.0",
    ">19",
    ">=0.10",
    "^20.17.0 || >=22.9.0",
    "~20",
    "<20.19.1",
    "^20",
  ])("is accepted by %j", (range) => {
    expect(accepts("20.19.0", range)).toBe(true);
  });

  test.each([
    ">=22",
    ">20",
    ">=20.19.1",
    "^22.0.0",
    "^18 || ^22",
    "~20.18",
    "20.18.x",
    "<20",
    "<20.19",
    "18 - 19",
    ">=18 <20",
    "^20.20.0",
    "0.x",
    "^0.1.0",
    "=20.18.0",
    "<=20.18",
  ])("is refused by %j", (range) => {
    expect(accepts("20.19.0", range)).toBe(false);
  });
});

test("a caret keeps everything up to the first number that is not 0", () => {
  expect(["0.2.9", "0.3.0"].map((version) => accepts(version, "^0.2.3"))).toEqual([true, false]);
  expect(["0.0.3", "0.0.4"].map((version) => accepts(version, "^0.0.3"))).toEqual([true, false]);
  expect(["0.0.9", "0.1.0"].map((version) => accepts(version, "^0.0"))).toEqual([true, false]);
});

test("what is not a range throws, so that no check passes by not understanding", () => {
  expect(() => accepts("20.19.0", ">=20 and <22")).toThrow('">=20 and <22"');
});
