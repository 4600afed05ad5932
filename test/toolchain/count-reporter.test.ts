import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../scripts/root.mjs";

let folder = "";
beforeEach(async () => {
  // Under the root, so that the files find vitest; below node_modules, so that no other tool takes them for ours.
  folder = await mkdtemp(join(root, "node_modules", ".lovage-reporter-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs vitest on these files, with our reporter and our set-up file. */
async function counts(files: Record<string, string>): Promise<unknown> {
  for (const [name, source] of Object.entries(files))
    await writeFile(join(folder, name), `import { test, describe, beforeAll } from "vitest";\n${source}`);
  const config = `export default { test: { pool: "forks", exclude: [], include: ["*.test.js"], reporters: [${JSON.stringify(join(root, "scripts/count-reporter.mjs"))}],
    setupFiles: [${JSON.stringify(join(root, "test/toolchain/open-handles.setup.ts"))}] } };`;
  await writeFile(join(folder, "vitest.config.mjs"), config);
  const file = join(folder, "counts.json");
  const vitest = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", folder], {
    env: { ...process.env, LOVAGE_COUNTS_FILE: file },
    stdio: "ignore",
  });
  await once(vitest, "exit");
  return JSON.parse(await readFile(file, "utf8"));
}

test("counts passed, failed and skipped tests over files and suites", async () => {
  const files = {
    "a.test.js": `test("1", () => {}); test.skip("2", () => {}); describe("in", () => { test("3", () => { throw new Error("no"); }); });`,
    "b.test.js": `test("4", () => {}); test.todo("5"); describe.skip("out", () => { test("6", () => {}); });`,
  };
  expect(await counts(files)).toEqual({ passed: 2, failed: 1, skipped: 3 });
});

test("a file that does not load is a failure", async () => {
  expect(await counts({ "a.test.js": `import "./missing.js"; test("1", () => {});` })).toMatchObject({ failed: 1 });
});

test("a rejection that nobody handled is a failure although every test passed", async () => {
  expect(await counts({ "a.test.js": `test("1", () => { void Promise.reject(new Error("lost")); });` })).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

test("a hook that fails around a suite is a failure, and its tests do not pass", async () => {
  const source = `describe("in", () => { beforeAll(() => { throw new Error("no"); }); test("1", () => {}); });`;
  expect(await counts({ "a.test.js": source })).toMatchObject({ passed: 0, failed: 1 });
});

test("a server, a child and a thread left open each fail their file", async () => {
  const files = {
    "server.test.js": `import { createServer } from "node:net"; test("1", () => new Promise((up) => createServer().listen(0, "127.0.0.1", up)));`,
    "child.test.js": `import { spawn } from "node:child_process"; test("1", () => { spawn(process.execPath, ["-e", "process.stdin.resume()"]); });`,
    "thread.test.js": `import { Worker } from "node:worker_threads"; test("1", () => { new Worker("setInterval(() => {}, 1000)", { eval: true }); });`,
  };
  expect(await counts(files)).toEqual({ passed: 3, failed: 3, skipped: 0 });
});

test("what closes by itself soon after the last test is fine", async () => {
  const source = `import { spawn } from "node:child_process"; test("1", () => { spawn(process.execPath, ["-e", ""]); });`;
  expect(await counts({ "a.test.js": source })).toEqual({ passed: 1, failed: 0, skipped: 0 });
});
