// docs/reference/cli.md, from what the commands say of themselves.
import { runCli } from "../../packages/lovage/dist/cli/main.js";
import { commands } from "../../packages/lovage/dist/cli/program.js";

const intro = `# Command line

\`npx lovage COMMAND …\`. \`-A\` and \`-b\` may stand before or after the command. Without \`-A\`, commands that only look use the store that the environment names (\`REDIS_URL\`, \`LOVAGE_BROKER\`, \`.env\`, \`lovage.config.*\`), else \`sqlite:./lovage.db\`.

| exit code | means |
|---|---|
| 0 | done; a worker: stopped warm, everything that ran was finished |
| 1 | the answer is no (a failed task, a command that every node refused, a purge that was declined); a worker: stopped cold; an internal error |
| 64 | wrong usage |
| 69 | the store cannot be reached, or no node answered |
| 75 | a worker gave up: connected, yet it could take nothing from a queue that was not empty |
| 78 | wrong configuration, or an app that does not load |

A worker stops warm on the first SIGTERM or SIGINT, cold on the second and on SIGQUIT. It logs to standard error; standard output has what it serves and then \`NODE ready.\`
`;

async function helpOf(/** @type {readonly string[]} */ args) {
  /** @type {string[]} */
  const lines = [];
  await runCli([...args, "--help"], { json: false, columns: 100, write: (text) => lines.push(text), error: () => {} });
  return lines.join("\n").trimEnd();
}

export async function cliPage() {
  const sections = [intro];
  for (const [name, { summary }] of Object.entries(commands)) {
    sections.push(`## lovage ${name}\n\n${summary[0]?.toUpperCase()}${summary.slice(1)}.\n\n\`\`\`text\n${await helpOf([name])}\n\`\`\`\n`);
  }
  return sections.join("\n");
}
