// Checks who imports whom by .dependency-cruiser.cjs (style of the table: one row per folder). Wraps the tool because it
// exits 0 when it understood nothing: with a compiler it does not know it finds no modules, and no violations in them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { capture } from "./child.mjs";
import { isMain } from "./is-main.mjs";
import { root } from "./root.mjs";

const folders = ["packages", "examples", "bench", "chaos", "interop"];

/**
 * @param {string} tree the folder whose packages, examples, … are looked at
 * @returns {Promise<{ modules: number, problems: string[] }>}
 */
export async function importProblems(tree) {
  const cli = join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
  const config = join(root, ".dependency-cruiser.cjs");
  const present = folders.filter((name) => existsSync(join(tree, name)));
  const { output, stdout } = await capture(process.execPath, [cli, "--config", config, "--output-type", "json", ...present], { cwd: tree });
  const { summary } = parse(stdout, output);
  const problems = summary.violations.map(
    ({ rule, from, to, cycle }) => `${rule.name}: ${[from, ...(cycle?.map((step) => step.name) ?? [to])].join(" → ")}`,
  );
  if (summary.totalCruised === 0)
    problems.push("nothing-read: dependency-cruiser found 0 modules, so it checked nothing. Does it support the installed TypeScript?");
  return { modules: summary.totalCruised, problems };
}

/**
 * @typedef {{ rule: { name: string }, from: string, to: string, cycle?: { name: string }[] }} Violation
 * @param {string} stdout @param {string} output with what it said on stderr
 * @returns {{ summary: { totalCruised: number, violations: Violation[] } }}
 */
function parse(stdout, output) {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`dependency-cruiser did not finish:\n${output}`);
  }
}

if (isMain(import.meta.url)) {
  const { modules, problems } = await importProblems(root);
  for (const problem of problems) console.log(problem);
  console.log(`${modules} modules, ${problems.length} forbidden imports`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
