// docs/reference/settings.md, from the table of settings.
import { settingsTable } from "../../packages/lovage/dist/app/settings.js";

const intro = `# Settings

Names are Celery's in camelCase; Celery's own spelling (\`task_acks_late\`) is taken too. The first place that names a value wins:

1. flags of the command line
2. options of \`createApp\`
3. environment: \`REDIS_URL\`, \`LOVAGE_TASK_ACKS_LATE=false\` and so on for every setting
4. the same in \`.env\` of the current folder
5. \`lovage.config.ts\` (\`.js\`, \`.mjs\`, \`.json\`, or the file that \`LOVAGE_CONFIG\` names)
6. the default

All mistakes are reported at once. \`lovage report\` shows what holds, and from where, with passwords masked. \`[…]\` after a name: further names it answers to.
`;

const code = (/** @type {unknown} */ value) => `\`${JSON.stringify(value)}\``;
const cell = (/** @type {string} */ text) => text.replaceAll("|", "\\|");

export function settingsPage() {
  const rows = Object.entries(settingsTable).map(([name, row]) => {
    /** @type {{ celery: string | null, default: unknown, celeryDefault?: unknown, kind: { says: string }, aliases?: readonly string[], doc: string }} */
    const { celery, kind, doc, aliases = [], ...rest } = row;
    const differs = "celeryDefault" in rest ? ` (Celery: ${code(rest.celeryDefault)})` : "";
    const names = `\`${name}\`${aliases.length > 0 ? ` [${aliases.join(", ")}]` : ""}`;
    return `| ${names} | ${celery === null ? "–" : `\`${celery}\``} | ${code(rest.default)}${differs} | ${cell(kind.says)} | ${cell(doc)} |`;
  });
  return `${intro}\n| name | Celery's | default | takes | meaning |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}
