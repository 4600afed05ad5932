import { describe, expect, it } from "vitest";
import { fromRttm, shareOfSpeech, toCsv, toRttm } from "./turn.ts";

const turns = [
  { start: 0.5, end: 2, speaker: "S1" },
  { start: 2.25, end: 7.75, speaker: "S2" },
  { start: 8, end: 9, speaker: "S1" },
];

describe("turns", () => {
  it("are written as CSV and as RTTM, and read from RTTM", () => {
    expect(toCsv(turns)).toBe("start,end,speaker\n0.50,2.00,S1\n2.25,7.75,S2\n8.00,9.00,S1\n");
    expect(toRttm(turns, "my talk").split("\n")[1]).toBe("SPEAKER my_talk 1 2.250 5.500 <NA> <NA> S2 <NA> <NA>");
    expect(fromRttm(toRttm(turns, "my talk"))).toEqual(turns);
    expect(() => fromRttm("SPEAKER x 1 soon")).toThrow(SyntaxError);
  });

  it("say who spoke for how long", () => {
    expect(shareOfSpeech(turns)).toEqual([
      { speaker: "S2", seconds: 5.5, turns: 1, share: 0.688 },
      { speaker: "S1", seconds: 2.5, turns: 2, share: 0.313 },
    ]);
    expect(shareOfSpeech([])).toEqual([]);
  });
});
