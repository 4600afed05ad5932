import { describe, expect, it } from "vitest";
import type { Turn } from "../turns/turn.ts";
import { errorRate } from "./error-rate.ts";

/** "A 0-10, B 10-20" */
const turns = (text: string): readonly Turn[] =>
  text === ""
    ? []
    : text.split(", ").map((each) => {
        const [speaker = "", span = ""] = each.split(" ");
        const [start = 0, end = 0] = span.split("-").map(Number);
        return { speaker, start, end };
      });

const scored = (truth: string, found: string, collar = 0) => {
  const { rate, spoken, missed, falseAlarm, confusion } = errorRate(turns(truth), turns(found), collar);
  return [spoken, missed, falseAlarm, confusion, rate].map((value) => Math.round(value * 1000) / 1000);
};

describe("the diarization error rate", () => {
  it.each([
    ["nothing wrong, whatever the speakers are called", "A 0-10, B 10-20", "x 10-20, y 0-10", [20, 0, 0, 0, 0]],
    ["two speakers taken for one", "A 0-12, B 12-20", "x 0-20", [20, 0, 0, 8, 0.4]],
    ["one taken for two", "A 0-20", "x 0-12, y 12-20", [20, 0, 0, 8, 0.4]],
    ["a late start and a late end", "A 0-10", "x 2-13", [10, 2, 3, 0, 0.5]],
    ["speech where there is none", "", "x 0-5", [0, 0, 5, 0, 1]],
    ["nothing in, nothing out", "", "", [0, 0, 0, 0, 0]],
    ["overlap of which one voice is found", "A 0-10, B 8-12", "x 0-10, y 10-12", [14, 2, 0, 0, 0.143]],
    ["overlap of which both are found", "A 0-10, B 8-12", "x 0-10, y 8-12", [14, 0, 0, 0, 0]],
    ["two voices found where one speaks", "A 0-10, B 10-20", "x 0-10, y 9-20", [20, 0, 1, 0, 0.05]],
  ])("of %s", (_, truth, found, expected) => {
    expect(scored(truth, found)).toEqual(expected);
  });

  it("maps speakers so that the sum is best, not each for itself", () => {
    // x agrees longest with A (6), but then y would be left with nothing: x → B and y → A give 5 + 6.
    const truth = "A 0-12, B 12-17";
    const found = "x 0-6, y 6-12, x 12-17";
    expect(scored(truth, found)).toEqual([17, 0, 0, 6, 0.353]);
    expect(errorRate(turns(truth), turns(found), 0).mapping).toEqual({ x: "B", y: "A" });
  });

  it("leaves out the collar around true boundaries, and only those", () => {
    expect(scored("A 0-10, B 10-20", "x 0-10.2, y 10.2-19.8", 0.25)).toEqual([19, 0, 0, 0, 0]);
    expect(scored("A 0-10, B 10-20", "x 0-10.5, y 10.5-20", 0.25)).toEqual([19, 0, 0, 0.25, 0.013]);
  });
});
