// What each npm script does once the machine is known to be fit. Every command resolves to an exit code.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bootstrap, build } from "./bootstrap.mjs";
import { run } from "./child.mjs";
import { root } from "./root.mjs";
import { check, test } from "./suites.mjs";

/** @type {Readonly<Record<string, (args: readonly string[]) => Promise<number>>>} */
export const commands = {
  demo: (args) => start("examples/photo-stock/dist/demo.js", args),
  dev: (args) => start("packages/lovage/bin/lovage.js", ["dev", "-A", "examples/photo-stock/dist/app.js", ...args]),
  bench: (args) => bench(args, "bench/run.mjs"),
  "bench:canvas": (args) => start("bench/canvas.mjs", args),
  "bench:eta": (args) => bench(args, "bench/eta.mjs"),
  "bench:events": (args) => bench(args, "bench/events.mjs"),
  "bench:revokes": (args) => bench(args, "bench/revokes.mjs"),
  "bench:jobs": (args) => start("bench/jobs.mjs", args),
  "bench:types": (args) => start("bench/types.mjs", args),
  "measure:upload": (args) => start("bench/upload.mjs", args),
  "fuzz:canvas": (args) => startTypeScript("interop/fuzz/main.ts", args),
  "kills:chords": (args) => startTypeScript("interop/kills/main.ts", args),
  chaos: ([kind = "", ...args]) =>
    ["deaf", "jobs", "pool", "long"].includes(kind)
      ? startTypeScript(`chaos/${kind}/main.ts`, args)
      : startTypeScript("chaos/main.ts", kind === "" ? [] : [kind, ...args]),
  build: async () => {
    await bootstrap();
    await build();
    return 0;
  },
  check,
  test,
};

/** The peers it measures against are in a lock of their own, so that nobody else has to install them. @param {readonly string[]} args @param {string} program */
function bench(args, program) {
  const own = join(root, "bench");
  return start(program, args, existsSync(join(own, "package-lock.json")) ? [own] : []);
}

/** @param {string} program path from the root @param {readonly string[]} args */
const startTypeScript = (program, args) => start("scripts/run-typescript.mjs", [program, ...args]);

/**
 * Installs and builds what is stale, then hands over to a program of the project.
 * @param {string} program path from the root @param {readonly string[]} args
 * @param {readonly string[]} [folders] more folders to install
 */
async function start(program, args, folders = []) {
  await bootstrap(...folders);
  await build();
  // npm runs scripts in the root and keeps where the user stood in INIT_CWD; relative paths on the command line mean that place.
  const env = { ...process.env, INIT_CWD: process.env.INIT_CWD ?? process.cwd() };
  return run(process.execPath, [program, ...args], { env });
}
