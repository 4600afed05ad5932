/** The oldest Node that can `require()` our ES modules; the same bound as `engines.node` in every package.json. */
export const minimumNode = "20.19.0";

/** @param {string} version as in `process.versions.node` */
export function nodeIsTooOld(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantMajor = 0, wantMinor = 0] = minimumNode.split(".").map(Number);
  return major < wantMajor || (major === wantMajor && minor < wantMinor);
}

/** Ends the process with a sentence instead of a syntax error from deep inside. @param {string} version */
export function requireNode(version) {
  if (!nodeIsTooOld(version)) return;
  console.error(
    `Lovage needs Node ${minimumNode} or newer, and this is Node ${version} (${process.execPath}). Install a newer Node and try again.`,
  );
  process.exit(1);
}
