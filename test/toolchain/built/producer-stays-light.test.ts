import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../../scripts/root.mjs";
import { loadedFiles } from "../loaded-files.ts";

const dist = join(root, "packages/lovage/dist").replaceAll("\\", "/");
// Brokers and loggers come with the first connection, the rest only to a worker or a command line.
const heavy = new RegExp(`^${dist}/(worker|pool|beat|cli|testing|upkeep)/|/node_modules/(@redis/client|pino|commander|jiti|libsql)/`);

describe("import of lovage by a producer", () => {
  test("loads no worker code, no client of a store, no logger, no command line", async () => {
    const loaded = await loadedFiles(join(dist, "index.js"));
    expect(loaded).toContain(`${dist}/index.js`);
    expect(loaded.filter((file) => heavy.test(file))).toEqual([]);
  });
});

describe("the look at what was loaded", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lovage-heavy-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ["an import", (name: string) => `import ${JSON.stringify(name)};`],
    ["a dynamic import", (name: string) => `await import(${JSON.stringify(name)});`],
    ["a require", (name: string) => `import { createRequire } from "node:module"; createRequire("file:///")(${JSON.stringify(name)});`],
  ])("sees what came by %s", async (_, load) => {
    const entry = join(folder, "entry.mjs");
    await writeFile(entry, load(join(root, "node_modules/commander/index.js")));
    const loaded = await loadedFiles(entry);
    expect(loaded.filter((file) => heavy.test(file))).toContain(`${root.replaceAll("\\", "/")}/node_modules/commander/index.js`);
  });
});
