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

/**
 * A missing service is counted as a failure where CI=true; what is skipped then needs a version that Debian does not have.
 * @param {Counts} counts @returns {number} exit code
 */
export const verdict = (counts) => (counts.failed > 0 || counts.passed === 0 ? 1 : 0);

/** @param {Counts} counts */
export const summary = (counts) => `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
