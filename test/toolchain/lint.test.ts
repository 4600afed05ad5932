import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../scripts/root.mjs";

const seeded = [
  "by-name: noFloatingPromises",
  "by-seam: noFloatingPromises",
  "as-condition: noMisusedPromises",
  "unused-import: noUnusedImports",
  "unused-variable: noUnusedVariables",
  "value-import: useImportType",
  "no-extension: useImportExtensions",
];

// Two packages, as here: one in its built form, one that imports it by name. What the linter must see crosses that border.
let tree = "";
let findings: string[] = [];
beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), "lovage-lint-"));
  await cp(join(root, "biome.json"), join(tree, "biome.json"));
  const put = async (path: string, source: string) => {
    await mkdir(join(tree, path, ".."), { recursive: true });
    await writeFile(join(tree, path), source);
  };
  await put(".gitignore", "node_modules/\ndist/\n");
  await put(
    "packages/lib/package.json",
    `{ "name": "lib", "type": "module", "exports": { ".": { "types": "./dist/index.d.ts", "default": "./dist/index.js" } } }\n`,
  );
  await put("packages/lib/dist/index.d.ts", "export declare function send(): Promise<number>;\n");
  await put("packages/app/package.json", `{ "name": "app", "type": "module" }\n`);
  await put("packages/app/src/store.ts", "export interface Store {\n  commit(): Promise<void>;\n}\n");
  await put("packages/app/src/by-name.ts", `import { send } from "lib";\n\nsend();\n`);
  await put(
    "packages/app/src/by-seam.ts",
    `import type { Store } from "./store.ts";\n\nexport function end(store: Store): void {\n  store.commit();\n}\n`,
  );
  await put(
    "packages/app/src/as-condition.ts",
    `import { send } from "lib";\n\nexport const sent = (): string => (send() ? "yes" : "no");\n`,
  );
  await put("packages/app/src/unused-import.ts", `import { send } from "lib";\n\nexport const one = 1;\n`);
  await put("packages/app/src/unused-variable.ts", "const one = 1;\n");
  await put("packages/app/src/value-import.ts", `import { Store } from "./store.ts";\n\nexport type Mine = Store;\n`);
  await put("packages/app/src/no-extension.ts", `import type { Store } from "./store";\n\nexport type Mine = Store;\n`);
  await put(
    "packages/app/src/fine.ts",
    `import { send } from "lib";\nimport type { Store } from "./store.ts";\n\nexport const end = async (store: Store): Promise<void> => {\n  await send();\n  await store.commit();\n};\n`,
  );
  await mkdir(join(tree, "node_modules"));
  await symlink(join(tree, "packages/lib"), join(tree, "node_modules/lib"), "junction");
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  const args = [biome, "lint", "--reporter=github", "--max-diagnostics=100", "."];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: tree }).catch((failed: { stdout: string }) => failed);
  findings = stdout.split("\n").flatMap((line) => {
    const found = /title=lint\/\w+\/(\w+),file=[^,]*\/app\/src\/([\w-]+)\.ts/.exec(line);
    return found ? [`${found[2]}: ${found[1]}`] : [];
  });
});
afterAll(() => rm(tree, { recursive: true }));

test.each(seeded)("the linter finds %s", (finding) => {
  expect(findings).toContain(finding);
});

test("the linter has nothing against awaited promises and imports that end in .ts", () => {
  expect(findings.sort()).toEqual([...seeded].sort());
});
