// docs/reference/errors.md: every code found in the sources, with its class, from the words of error-remedies.mjs.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../root.mjs";
import { remedies } from "./error-remedies.mjs";

const intro = `# Errors

Every error of Lovage has a stable \`code\`. Recognise one by it, not by its class: errors cross threads, processes and copies of the library.

\`\`\`ts
import { isLovageError } from "lovage";

export const isTooLate = (error: unknown): boolean => isLovageError(error, "LOVAGE_WAIT_TIMEOUT");
\`\`\`

\`details\` holds the facts, \`cause\` what lies below. On the command line \`UsageError\` ends with exit code 64, \`ConfigError\` with 78, \`BrokerUnavailableError\` with 69, all others with 1. A code without a class stands in log lines, results and dead letters. Codes of the job service are in [the guide](../guide/job-service.md).
`;

const source = /^(lovage|http)\/src\/(?!testing\/conformance\/).*\.(ts|lua)$/;
const test = /\.(test|prop|test-d)\.ts$/;

/** @returns {Map<string, Set<string>>} code → classes it was seen to be thrown as */
function codesInSources() {
  const found = new Map();
  for (const file of readdirSync(join(root, "packages"), { recursive: true, encoding: "utf8" })) {
    const path = file.replaceAll("\\", "/");
    if (!source.test(path) || test.test(path)) continue;
    const text = readFileSync(join(root, "packages", path), "utf8");
    for (const [, code] of text.matchAll(/["'](LOVAGE_[A-Z_]*[A-Z])["']/g)) if (!found.has(code)) found.set(code, new Set());
    for (const [, name, code] of text.matchAll(/new (\w+Error)\(\s*"(LOVAGE_[A-Z_]+)"/g)) found.get(code)?.add(name);
  }
  return found;
}

/** @throws {Error} naming the codes that only one of sources and table knows */
export function errorsPage() {
  const found = codesInSources();
  const missing = [...found.keys()].filter((code) => !(code in remedies));
  const gone = Object.keys(remedies).filter((code) => !found.has(code));
  if (missing.length > 0)
    throw new Error(`scripts/docs/error-remedies.mjs lacks ${missing.join(", ")}: say when each occurs and what to do.`);
  if (gone.length > 0) throw new Error(`scripts/docs/error-remedies.mjs has ${gone.join(", ")}, which no source has: remove them.`);
  const rows = Object.entries(remedies)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, [when, remedy, carrier]]) => {
      const classes = carrier === undefined ? [...(found.get(code) ?? [])].sort() : carrier === "-" ? [] : [carrier];
      if (classes.length === 0 && carrier !== "-")
        throw new Error(`Nothing shows which class carries ${code}: name it in error-remedies.mjs.`);
      return `| \`${code}\` | ${classes.join(", ")} | ${when} | ${remedy} |`;
    });
  return `${intro}\n| code | class | when | what to do |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}
