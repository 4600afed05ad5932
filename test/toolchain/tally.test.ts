import { expect, test } from "vitest";
import { add, noCounts, summary, verdict } from "../../scripts/tally.mjs";

test("the summary is one plain line", () => {
  const counts = noCounts();
  add(counts, { passed: 3, failed: 0, skipped: 1 });
  add(counts, { passed: 2, failed: 1, skipped: 0 });
  expect(summary(counts)).toBe("5 passed, 1 failed, 1 skipped");
});

test.each([
  [{ passed: 5, failed: 0, skipped: 0 }, false, 0],
  [{ passed: 5, failed: 1, skipped: 0 }, false, 1],
  [{ passed: 0, failed: 0, skipped: 0 }, false, 1],
  [{ passed: 0, failed: 0, skipped: 9 }, false, 1],
  [{ passed: 5, failed: 0, skipped: 1 }, false, 0],
  [{ passed: 5, failed: 0, skipped: 1 }, true, 1],
  [{ passed: 5, failed: 0, skipped: 0 }, true, 0],
])("%o with CI=%s exits %i", (counts, ci, code) => {
  expect(verdict(counts, ci)).toBe(code);
});
