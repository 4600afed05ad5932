import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeIsTooOld } from "../../scripts/node-version.mjs";
import { root } from "../../scripts/root.mjs";

// A checkout in miniature: the real scripts, an empty lock, and a stand-in for the compiler that writes down that it ran.
let checkout = "";
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "lovage-run-"));
  await cp(join(root, "scripts"), join(checkout, "scripts"), { recursive: true });
  await writeFile(join(checkout, "package.json"), JSON.stringify({ name: "miniature", private: true, version: "1.0.0" }));
  const lock = { name: "miniature", version: "1.0.0", lockfileVersion: 3, packages: { "": { name: "miniature", version: "1.0.0" } } };
  await writeFile(join(checkout, "package-lock.json"), JSON.stringify(lock));
  await program("examples/photo-stock/dist/demo.js", "console.log('demo', process.env.INIT_CWD, process.argv.slice(2).join(' '));");
});
afterEach(() => rm(checkout, { recursive: true }));

async function program(path: string, source: string) {
  await mkdir(join(checkout, path, ".."), { recursive: true });
  await writeFile(join(checkout, path), source);
}

/** What `npm ci` would have brought: a stamp that fits, and a compiler. */
async function install() {
  await program("node_modules/typescript/bin/tsc", "require('node:fs').appendFileSync('built', 'x');");
  await writeFile(join(checkout, "package.json"), JSON.stringify({ name: "miniature", private: true, version: "1.0.0", type: "module" }));
  await run(["install.mjs"]);
}

async function run([script = "run.mjs", ...args]: string[], env: NodeJS.ProcessEnv = {}, cwd = checkout) {
  const { npm_execpath: _, ...rest } = process.env;
  const child = spawn(process.execPath, [join(checkout, "scripts", script), ...args], {
    cwd,
    env: { ...rest, npm_config_omit: "", ...env },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { stdout, stderr, code };
}

/** An npm that writes down how it was called and leaves an empty node_modules. */
async function fakeNpm(code = 0) {
  await program(
    "npm-cli.js",
    `require("node:fs").writeFileSync("npm-was-called", process.argv.slice(2).join(" ") + " " + process.env.ONNXRUNTIME_NODE_INSTALL);
     require("node:fs").mkdirSync("node_modules/typescript/bin", { recursive: true });
     require("node:fs").writeFileSync("node_modules/typescript/bin/tsc", "");
     process.exit(${code});`,
  );
  await writeFile(join(checkout, "package.json"), JSON.stringify({ name: "miniature", private: true }));
  return { npm_execpath: join(checkout, "npm-cli.js") };
}

test("refuses a Node that is too old, and only that", () => {
  expect(["18.20.0", "20.18.3", "14.0.0"].filter(nodeIsTooOld)).toHaveLength(3);
  expect(["20.19.0", "20.20.2", "22.1.0", "26.0.0"].filter(nodeIsTooOld)).toEqual([]);
});

test("installs into a fresh checkout, dev and optional packages even with NODE_ENV=production, and once only", async () => {
  const npm = await fakeNpm();
  expect((await run(["run.mjs", "build"], { ...npm, NODE_ENV: "production" })).code).toBe(0);
  expect(await readFile(join(checkout, "npm-was-called"), "utf8")).toBe("ci --include=dev --include=optional skip");
  await rm(join(checkout, "npm-was-called"));
  expect((await run(["run.mjs", "build"], npm)).stdout).toBe("");
  expect(existsSync(join(checkout, "npm-was-called"))).toBe(false);
});

test("installs again when the lock has other packages, not when the same ones are wanted by others", async () => {
  const npm = await fakeNpm();
  const lockWith = (entry: object) =>
    writeFile(
      join(checkout, "package-lock.json"),
      JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0", ...entry } } }),
    );
  const installs = async () => {
    await rm(join(checkout, "npm-was-called"), { force: true });
    await run(["run.mjs", "build"], npm);
    return existsSync(join(checkout, "npm-was-called"));
  };
  await lockWith({ dev: true });
  expect(await installs()).toBe(true);
  await lockWith({ dev: false });
  expect(await installs()).toBe(false);
  await lockWith({ version: "1.0.1" });
  expect(await installs()).toBe(true);
});

test("a failed install leaves no stamp, so that the next command tries again", async () => {
  const { code, stderr } = await run(["run.mjs", "build"], await fakeNpm(7));
  expect([code, stderr]).toEqual([1, expect.stringContaining("npm ci failed with exit code 7")]);
  expect(existsSync(join(checkout, "node_modules/.lovage-stamp"))).toBe(false);
});

test("an install by hand that left packages out is not taken for a complete one", async () => {
  await mkdir(join(checkout, "node_modules"));
  await run(["install.mjs"], { npm_config_omit: "optional" });
  await run(["install.mjs"], { NODE_ENV: "production" });
  expect(existsSync(join(checkout, "node_modules/.lovage-stamp"))).toBe(false);
});

test("hands arguments on, says where the user stood, and passes the exit code through", async () => {
  await install();
  const { stdout } = await run(["run.mjs", "demo", "photo 1.jpg", "--out", "x"], { INIT_CWD: "/home/me" });
  expect(stdout).toBe("demo /home/me photo 1.jpg --out x\n");
  await program("examples/photo-stock/dist/demo.js", "process.exit(3);");
  expect((await run(["run.mjs", "demo"])).code).toBe(3);
});

test("without npm the user stands in the current folder", async () => {
  await install();
  const { INIT_CWD: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(checkout, "scripts/run.mjs"), "demo"], { cwd: join(checkout, "examples"), env });
  expect(await text(child.stdout)).toContain(`${join(checkout, "examples")} \n`);
});

test("two commands at once build one after the other", async () => {
  await install();
  await program(
    "node_modules/typescript/bin/tsc",
    `const fs = require("node:fs");
     fs.mkdirSync("building"); // fails when the other one is at it
     setTimeout(() => fs.rmdirSync("building"), 300);`,
  );
  const both = await Promise.all([run(["run.mjs", "build"]), run(["run.mjs", "build"])]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
});

test("a signal reaches the program, which may take its time to end", async () => {
  await install();
  await program(
    "examples/photo-stock/dist/demo.js",
    "process.on('SIGTERM', () => { console.log('bye'); process.exit(5); }); setInterval(() => {}, 1000); console.log('up');",
  );
  const child = spawn(process.execPath, [join(checkout, "scripts/run.mjs"), "demo"], { cwd: checkout });
  const exit = once(child, "exit");
  let said = "";
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said === "up\n") child.kill("SIGTERM");
  }
  expect(said).toBe("up\nbye\n");
  expect((await exit)[0]).toBe(5);
});

test("the tests' last line is the summary even when nothing could be installed", async () => {
  const { stdout, code } = await run(["run.mjs", "test"], await fakeNpm(7));
  expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([1, "0 passed, 1 failed, 0 skipped"]);
});

test("the bench brings its peers from a lock of its own, and nobody else does", async () => {
  const npm = await fakeNpm();
  await program("bench/package-lock.json", "{}");
  await program("bench/run.mjs", "console.log('bench', process.argv.slice(2).join(' '));");
  await run(["run.mjs", "build"], npm);
  expect(existsSync(join(checkout, "bench/node_modules"))).toBe(false);
  const { stdout } = await run(["run.mjs", "bench", "--json", "x"], npm);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("bench --json x");
  expect(existsSync(join(checkout, "bench/node_modules/.lovage-stamp"))).toBe(true);
});

test("an unknown command names the known ones", async () => {
  const { code, stderr } = await run(["run.mjs", "tset"]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(/demo, dev, .*build, check, test/)]);
});
