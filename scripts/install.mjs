// Brings node_modules in line with the lock file, and does nothing when it is. A stamp inside node_modules says what it
// was installed from. Also run by npm itself (script "dependencies" of package.json) so that `npm ci` by hand counts too.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { run } from "./child.mjs";
import { isMain } from "./is-main.mjs";
import { root } from "./root.mjs";

/** @param {string} folder */
const stampFile = (folder) => join(folder, "node_modules", ".lovage-stamp");

/**
 * What an install depends on: the packages in the lock, and what native parts are chosen by. Not the lock's bytes: naming an
 * installed package in one more package.json changes those, but nothing that npm would have to fetch.
 * @param {string} folder
 */
export function expectedStamp(folder) {
  const { packages = {} } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  const wanted = Object.entries(packages).map(([place, { version, integrity, resolved, bin }]) => [
    place,
    version,
    integrity,
    resolved,
    bin,
  ]);
  const hash = createHash("sha256").update(JSON.stringify(wanted)).digest("hex");
  return `${hash} node-${process.versions.node.split(".")[0]} ${process.platform}-${process.arch}\n`;
}

/** @param {string} folder */
export function isInstalled(folder) {
  const file = stampFile(folder);
  return existsSync(file) && readFileSync(file, "utf8") === expectedStamp(folder);
}

/** @param {string} folder */
export async function writeStamp(folder) {
  await writeFile(stampFile(folder), expectedStamp(folder));
}

/** Installs what the lock of `folder` says, unless the stamp says so already. @param {string} folder */
export async function install(folder) {
  if (isInstalled(folder)) return;
  console.log(`Installing packages${folder === root ? "" : ` of ${relative(root, folder)}/`} (npm ci) …`);
  const npm = npmCommand();
  // Both kinds are named because NODE_ENV=production or an `omit` of the user's .npmrc would drop compilers or native parts.
  const code = await run(npm.file, [...npm.args, "ci", "--include=dev", "--include=optional"], {
    cwd: folder,
    shell: npm.shell,
    // npm before 11.16 does not know `allowScripts`; this keeps onnxruntime's download of CUDA files from running there.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  if (code !== 0) throw new Error(`npm ci failed with exit code ${code} in ${folder}; its own message stands above.`);
  await writeStamp(folder);
}

/** The npm that started us, so that its version and settings stay the same; else the one on the path. */
function npmCommand() {
  const cli = process.env.npm_execpath;
  if (cli && basename(cli) === "npm-cli.js") return { file: process.execPath, args: [cli], shell: false };
  return { file: "npm", args: [], shell: process.platform === "win32" };
}

const startedHere = isMain(import.meta.url);
const leftOut = process.env.npm_config_omit || process.env.NODE_ENV === "production";
if (startedHere && !leftOut && existsSync(join(root, "node_modules"))) await writeStamp(root);
