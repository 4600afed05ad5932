import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importProblems } from "../../scripts/layers.mjs";
import { root } from "../../scripts/root.mjs";

const seeded = join(root, "test/toolchain/fixtures/layers");
const config: { forbidden: { name: string }[] } = createRequire(import.meta.url)(join(root, ".dependency-cruiser.cjs"));
const ruleOf = (problem: string) => problem.slice(0, problem.indexOf(":"));

describe("the import rules", () => {
  let found: string[] = [];
  beforeAll(async () => {
    found = (await importProblems(seeded)).problems;
  });

  test.each(config.forbidden.map(({ name }) => name))("%s is broken in the fixture, and the check says so", (name) => {
    expect(found.map(ruleOf)).toContain(name);
  });

  test("each seeded file breaks one rule only, so that no rule stands in for another", () => {
    expect(found.map(ruleOf).sort()).toEqual(config.forbidden.map(({ name }) => name).sort());
  });

  test("cover every folder of the library", async () => {
    const entries = await readdir(join(root, "packages/lovage/src"), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const rules = new Set(config.forbidden.map(({ name }) => name));
    expect(folders.filter((name) => !rules.has(`layer-${name}`) && !["cli", "testing"].includes(name))).toEqual([]);
  });
});

describe("a tree in which nothing can be read", () => {
  let empty = "";
  beforeAll(async () => {
    empty = await mkdtemp(join(tmpdir(), "lovage-layers-"));
    await mkdir(join(empty, "packages"));
    await cp(join(root, "LICENSE"), join(empty, "packages/LICENSE"));
  });
  afterAll(() => rm(empty, { recursive: true }));

  test("fails the check instead of passing it", async () => {
    const { modules, problems } = await importProblems(empty);
    expect(modules).toBe(0);
    expect(problems.map(ruleOf)).toEqual(["nothing-read"]);
  });
});
