import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Row, Rows } from "../applications/row.ts";
import { rows as S0 } from "../applications/rows/S0.ts";
import { rows as S1 } from "../applications/rows/S1.ts";
import { rows as S2 } from "../applications/rows/S2.ts";
import { rows as S3 } from "../applications/rows/S3.ts";
import { rows as S4 } from "../applications/rows/S4.ts";

interface Application {
  readonly id: string;
  readonly name: string;
  readonly example: string;
  readonly demands: number;
  readonly rows: Rows;
}

const applications: readonly Application[] = [
  { id: "S0", name: "Image inference", example: "image-inference", demands: 29, rows: S0 },
  { id: "S1", name: "Diarization", example: "diarization", demands: 37, rows: S1 },
  { id: "S2", name: "Agents platform", example: "jobpilot", demands: 22, rows: S2 },
  { id: "S3", name: "Photo pipeline", example: "photo-stock", demands: 28, rows: S3 },
  { id: "S4", name: "Knee MRI", example: "knee-mri", demands: 32, rows: S4 },
];

const root = new URL("../../", import.meta.url);
const sources = new Map<string, string>();
function sourceOf(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const url = new URL(file, root);
  const source = existsSync(url) ? readFileSync(url, "utf8") : "";
  sources.set(file, source);
  return source;
}

const halves = (test: string): readonly [file: string, name: string] => {
  const at = test.indexOf(" > ");
  return at < 0 ? [test, ""] : [test.slice(0, at), test.slice(at + 3)];
};

describe.each(applications)("the rows of $id", ({ id, demands, rows }) => {
  it("are all there", () => {
    expect(Object.keys(rows)).toEqual(Array.from({ length: demands }, (_, at) => `${id}-${String(at + 1).padStart(2, "0")}`));
  });

  it("name tests that exist", () => {
    const named = Object.entries(rows).flatMap(([row, entry]) => ("shownBy" in entry ? entry.shownBy.map((test) => ({ row, test })) : []));
    const missing = named.filter(({ test }) => {
      const [file, name] = halves(test);
      const isNamed = ['"', "'", "`"].some((quote) => sourceOf(file).includes(`${quote}${name}${quote}`));
      return !/\.test(-d)?\.ts$/.test(file) || name === "" || !isNamed;
    });
    expect(missing).toEqual([]);
  });
});

it("the page shows them as they are", async () => {
  await expect(page()).toMatchFileSnapshot(fileURLToPath(new URL("docs/reference/applications.md", root)));
});

function page(): string {
  const parts = applications.map(
    ({ id, name, example, rows }) => `## ${id}: ${name} (\`examples/${example}\`)

${tally(rows)}

| row | demand | shown by |
|---|---|---|
${Object.entries(rows)
  .map(([row, entry]) => `| ${row} | ${cell(entry.demand)} | ${shown(entry)} |`)
  .join("\n")}
`,
  );
  const all: Rows = Object.assign({}, ...applications.map(({ rows }) => rows));
  return `# What the five applications demand, and what shows it

Made from \`test/applications/rows/\`; every test named here runs, and has to pass, in \`npm test\`. All together: ${tally(all)}

${parts.join("\n")}`;
}

function tally(rows: Rows): string {
  const entries = Object.values(rows);
  const count = (kind: string) => entries.filter((entry) => kind in entry).length;
  return `${entries.length} rows: ${count("shownBy")} shown, ${count("later")} later, ${count("not")} not.`;
}

const cell = (text: string) => text.replaceAll("|", "\\|");

function shown(entry: Row): string {
  if ("later" in entry) return `later: ${cell(entry.later)}`;
  if ("not" in entry) return `not: ${cell(entry.not)}`;
  return entry.shownBy.map((test) => `\`${halves(test)[0]}\`: ${cell(halves(test)[1])}`).join("; ");
}
