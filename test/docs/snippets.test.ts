import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capture } from "../../scripts/child.mjs";
import { root } from "../../scripts/root.mjs";
import { blocksOf, pages } from "./pages.ts";

// Beside the packages, so that `import "lovage"` in a snippet is what a user gets.
let folder: string;
beforeAll(() => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "snippets-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A snippet whose first line is `// name.ts` is that file to the others of its page. */
const nameOf = (code: string, index: number) => /^\/\/ ([\w-]+\.ts)$/m.exec(code.split("\n", 1)[0] ?? "")?.[1] ?? `snippet-${index + 1}.ts`;

async function check(files: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly output: string }> {
  for (const [name, code] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), code);
  }
  const compilerOptions = {
    noEmit: true,
    composite: false,
    incremental: false,
    moduleDetection: "force",
    typeRoots: [join(root, "node_modules/@types")],
  };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: Object.keys(files) };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  return capture(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false"]);
}

describe("TypeScript in the documentation", () => {
  it("compiles as it stands", async () => {
    const snippets = pages.flatMap((page) =>
      blocksOf(page, "ts").map((code, i) => [`${page.replace(/\W/g, "-")}/${nameOf(code, i)}`, code] as const),
    );
    expect(snippets.length).toBeGreaterThanOrEqual(8);
    expect(await check(Object.fromEntries(snippets))).toMatchObject({ code: 0, output: "" });
  });

  it("would be found out if it did not", async () => {
    const wrong = 'import { defineTask } from "lovage";\nexport const id = defineTask("t", async (x: number) => x).s("no number");\n';
    const { code, output } = await check({ "wrong.ts": wrong });
    expect(code).not.toBe(0);
    expect(output).toMatch(/wrong\.ts\(2,/);
  });
});
