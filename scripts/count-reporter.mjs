// A vitest reporter that writes how many tests passed, failed and were skipped to the file named by LOVAGE_COUNTS_FILE.
// It tells nobody anything else; vitest's own reporter does the talking.
import { writeFileSync } from "node:fs";
import { noCounts } from "./tally.mjs";

export default class CountReporter {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} errors thrown outside any test: a lost rejection, a crashed worker
   */
  onTestRunEnd(modules, errors) {
    const counts = noCounts();
    counts.failed += errors.length;
    for (const module of modules) {
      counts.failed += module.errors().length; // the file itself did not load, or a hook around all its tests threw
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) counts[outcome(test.result().state)] += 1;
    }
    const file = process.env.LOVAGE_COUNTS_FILE;
    if (file) writeFileSync(file, JSON.stringify(counts));
  }
}

/** A test still pending when the run is over was cut off. @param {import("vitest/node").TestResult["state"]} state */
const outcome = (state) => (state === "pending" ? "failed" : state);
