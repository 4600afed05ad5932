// `npm run check` and `npm test`: the same steps, the second with services and everything that needs them.
import { bootstrap } from "./bootstrap.mjs";
import { runSteps } from "./checks.mjs";
import { isInterrupted } from "./child.mjs";
import { findServices } from "./services.mjs";
import { add, noCounts, summary, verdict } from "./tally.mjs";
import { runVitest } from "./vitest.mjs";

const ci = process.env.CI === "true" || process.env.CI === "1";

/** Under a minute: format, lint, types, import rules, lock, unit, property and type tests. Installs no server. */
export const check = () => suite({ projects: ["unit", "types"], installServices: false });

/** Everything that tells whether the project works. */
export const test = () => suite({ projects: [], installServices: true });

/**
 * Ends with the summary line on stdout, whatever happened before it.
 * @param {{ projects: readonly string[], installServices: boolean }} what no projects: all
 * @returns {Promise<number>} exit code
 */
async function suite({ projects, installServices }) {
  const counts = noCounts();
  try {
    await bootstrap();
    const services = await findServices({ install: installServices });
    for (const line of services.missing) console.log(line);
    if (ci && installServices) counts.failed += services.missing.length;
    add(counts, await runSteps());
    if (!isInterrupted()) add(counts, await runVitest(projects, { ...process.env, ...services.env }));
    if (isInterrupted()) counts.failed += 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    counts.failed += 1;
  }
  console.log(summary(counts));
  return verdict(counts, ci && installServices);
}
