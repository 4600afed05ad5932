import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/root.mjs";

const packages = ["packages/lovage", "packages/http", "examples/photo-stock"];

async function sources(folder: string): Promise<string> {
  const names = await readdir(join(root, folder), { recursive: true });
  const own = names.filter((name) => /(?<!\.test)\.ts$/.test(name));
  return (await Promise.all(own.map((name) => readFile(join(root, folder, name), "utf8")))).join("\n");
}

test.each(packages)("%s imports each dependency that it makes its users install", async (folder) => {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const text = await sources(join(folder, "src"));
  const imported = [...text.matchAll(/(?:from |import\(|resolve\()"([^"]+)"/g)].map(([, name = ""]) => name);
  const declared = Object.keys({ ...dependencies, ...optionalDependencies });
  expect(declared.filter((name) => !imported.some((each) => each === name || each.startsWith(`${name}/`)))).toEqual([]);
});
