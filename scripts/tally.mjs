// Counts what passed, failed and was skipped over all steps, and says it in the one line that machines read.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @returns {Counts} */
export const noCounts = () => ({ passed: 0, failed: 0, skipped: 0 });

/** @param {Counts} total @param {Counts} more */
export function add(total, more) {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

/** Where CI=true nothing may be left out unnoticed. @param {Counts} counts @param {boolean} ci @returns {number} exit code */
export function verdict(counts, ci) {
  if (counts.failed > 0 || counts.passed === 0) return 1;
  return ci && counts.skipped > 0 ? 1 : 0;
}

/** @param {Counts} counts */
export const summary = (counts) => `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
