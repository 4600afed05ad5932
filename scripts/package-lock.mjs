// Reads package-lock.json and says what in it would break somebody else's install. Run by `npm run check` on every lock of
// the repository. npm itself accepts all of these silently when it writes the file.
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { isMain } from "./is-main.mjs";
import { minimumNode } from "./node-version.mjs";
import { root } from "./root.mjs";
import { accepts } from "./version-range.mjs";

/** Every package must run on the oldest Node that we promise. */
const node = minimumNode;

/**
 * @typedef {{ version?: string, resolved?: string, link?: boolean, hasInstallScript?: boolean, engines?: { node?: string } | string[],
 *   optionalDependencies?: Record<string, string> }} Entry
 * @typedef {{ packages?: Record<string, Entry> }} Lock
 */

/**
 * @param {Lock} lock @param {readonly string[]} reviewed packages whose install script somebody has looked at
 * @returns {string[]} one sentence per problem
 */
export function lockProblems(lock, reviewed) {
  const packages = lock.packages ?? {};
  const entries = Object.entries(packages).filter(([place]) => place !== "");
  if (entries.length === 0) return ["The lock lists no packages at all; write it with npm 7 or newer."];
  return entries.flatMap(([place, entry]) => [
    ...missingOptionals(packages, place, entry),
    ...(entry.resolved !== undefined && !entry.link
      ? [
          `${place} carries an address (resolved: ${entry.resolved}); set omit-lockfile-registry-resolved=true in .npmrc and write the lock again.`,
        ]
      : []),
    ...(entry.hasInstallScript && !reviewed.includes(nameOf(place))
      ? [`${place} has an install script that nobody has reviewed; add ${nameOf(place)} to allowScripts in package.json, or do without it.`]
      : []),
    ...refusedNode(place, entry),
  ]);
}

/** A lock written where a platform's package could not be fetched lacks it, and `npm ci` then refuses the lock elsewhere. @param {Record<string, Entry>} packages @param {string} place @param {Entry} entry */
function missingOptionals(packages, place, entry) {
  return Object.keys(entry.optionalDependencies ?? {})
    .filter((name) => !lookups(place).some((folder) => packages[`${folder}node_modules/${name}`]))
    .map(
      (name) =>
        `${place} wants ${name} as an optional dependency, which the lock lacks; take a release that is complete for all platforms.`,
    );
}

/** Where Node looks for a dependency of `place`, nearest first, each with a slash at its end. @param {string} place */
function lookups(place) {
  const folders = [];
  for (let at = `${place}/`; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/")))) folders.push(at);
  return [...folders, ""];
}

/** @param {string} place @param {Entry} entry */
function refusedNode(place, entry) {
  const range = Array.isArray(entry.engines) ? undefined : entry.engines?.node;
  if (range === undefined) return [];
  try {
    return accepts(node, range)
      ? []
      : [`${place} ${entry.version} refuses Node ${node} (engines.node is ${range}); pin the newest release that accepts it.`];
  } catch (error) {
    return [`${place}: ${/** @type {Error} */ (error).message}`];
  }
}

/** @param {string} place such as node_modules/a/node_modules/@b/c */
const nameOf = (place) => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

/** The lock of a folder against the `allowScripts` of its package.json. @param {string} folder */
export function problemsIn(folder) {
  const read = (/** @type {string} */ name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  return lockProblems(read("package-lock.json"), Object.keys(read("package.json").allowScripts ?? {}));
}

if (isMain(import.meta.url)) {
  for (const folder of [root, join(root, "bench")].filter((place) => existsSync(join(place, "package-lock.json")))) {
    for (const problem of problemsIn(folder)) {
      console.log(`${relative(root, folder) || "."}: ${problem}`);
      process.exitCode = 1;
    }
  }
}
