import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./child.mjs";
import { root } from "./root.mjs";
import { noCounts } from "./tally.mjs";

/**
 * Runs vitest projects and counts. A run that ends badly without a failed test (it crashed, found nothing, was stopped)
 * is one failure.
 * @param {readonly string[]} projects empty: all @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import("./tally.mjs").Counts>}
 */
export async function runVitest(projects, env) {
  const folder = await mkdtemp(join(tmpdir(), "lovage-counts-"));
  const file = join(folder, "counts.json");
  try {
    const args = [join(root, "node_modules", "vitest", "vitest.mjs"), "run", ...projects.flatMap((name) => ["--project", name])];
    const code = await run(process.execPath, args, { env: { ...env, LOVAGE_COUNTS_FILE: file } });
    const counts = await readFile(file, "utf8").then(JSON.parse, noCounts);
    if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) counts.failed = 1;
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
