// The steps that need no test runner. Each is one program; what it printed is shown only when it fails.
import { join } from "node:path";
import { buildQuietly } from "./bootstrap.mjs";
import { capture, isInterrupted } from "./child.mjs";
import { root } from "./root.mjs";
import { noCounts } from "./tally.mjs";

/** @param {string} path @param {readonly string[]} args */
const node = (path, ...args) => capture(process.execPath, [join(root, path), ...args]);

/** @typedef {{ name: string, run: () => Promise<{ code: number, output: string }> }} Step */

/** @type {readonly Step[]} */
const steps = [
  {
    name: "format and lint",
    run: () => node("node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "--max-diagnostics=200", "."),
  },
  { name: "types", run: () => node("node_modules/typescript/bin/tsc", "-p", "tsconfig.test.json", "--pretty", "false") },
  { name: "import rules", run: () => node("scripts/layers.mjs") },
  { name: "generated files", run: () => node("scripts/build-lua.mjs", "--check") },
  { name: "generated client", run: () => node("scripts/build-client.mjs", "--check") },
  { name: "generated pages", run: () => node("scripts/build-docs.mjs", "--check") },
  { name: "package lock", run: () => node("scripts/package-lock.mjs") },
];

/** Builds first, because the others read what it makes; then all at once. */
export async function runSteps() {
  const counts = noCounts();
  await runStep({ name: "build", run: buildQuietly }, counts);
  if (!isInterrupted()) await Promise.all(steps.map((step) => runStep(step, counts)));
  return counts;
}

/** @param {Step} step @param {import("./tally.mjs").Counts} counts */
async function runStep(step, counts) {
  const start = performance.now();
  const { code, output } = await step.run();
  const took = `(${((performance.now() - start) / 1000).toFixed(1)} s)`;
  if (code === 0) {
    counts.passed += 1;
    console.log(`ok      ${step.name} ${took}`);
  } else {
    counts.failed += 1;
    console.log(`FAILED  ${step.name} ${took}\n${output.trimEnd()}\n`);
  }
}
