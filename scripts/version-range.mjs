// The part of npm's version ranges that `engines` fields use, so that the lock check needs nothing installed.

/** @typedef {readonly [number, number, number]} Version */

/**
 * Does `range` accept `version`? Knows `||`, spaces as "and", `a - b`, `^ ~ >= > <= < =` and `x` or missing parts.
 * @param {string} version @param {string} range
 * @throws {Error} when the range holds something else: a check must not pass by not understanding
 */
export function accepts(version, range) {
  const wanted = parts(version);
  const exact = /** @type {Version} */ ([wanted[0] ?? 0, wanted[1] ?? 0, wanted[2] ?? 0]);
  return range.split("||").some((all) => comparators(all).every(([low, high]) => atLeast(exact, low) && !atLeast(exact, high)));
}

/** @typedef {readonly [low: Version, high: Version]} Span from low up to but without high */

/** @type {Version} */
const zero = [0, 0, 0];
/** @type {Version} */
const infinite = [Number.POSITIVE_INFINITY, 0, 0];

/** @param {string} all @returns {Span[]} */
function comparators(all) {
  const text = all.trim().replace(/^(\S+)\s+-\s+(\S+)$/, ">=$1 <=$2");
  const words = text.replace(/([\^~<>=]+)\s+/g, "$1").split(/\s+/);
  return words.map((word) => span(word, all));
}

/** @param {string} word @param {string} range @returns {Span} */
function span(word, range) {
  const match = /^(\^|~>?|>=|<=|>|<|=)?v?((?:\d+|[xX*])(?:\.(?:\d+|[xX*])){0,2}|)(?:[-+][\w.+-]*)?$/.exec(word);
  if (!match) throw new Error(`Cannot read the version range ${JSON.stringify(range.trim())}`);
  const given = parts(match[2] ?? "");
  const low = /** @type {Version} */ ([given[0] ?? 0, given[1] ?? 0, given[2] ?? 0]);
  const after = given.length === 0 ? infinite : raised(low, given.length - 1);
  switch (match[1]) {
    case ">=":
      return [low, infinite];
    case ">":
      return [after, infinite];
    case "<":
      return [zero, low];
    case "<=":
      return [zero, after];
    case "^":
      return [low, given.length === 0 ? infinite : raised(low, Math.min(leading(low), given.length - 1))];
    case "~":
    case "~>":
      return [low, given.length === 0 ? infinite : raised(low, Math.min(1, given.length - 1))];
    default:
      return [low, after];
  }
}

/** Where the first number that is not 0 stands: `^` keeps all up to it. @param {Version} version */
function leading(version) {
  const index = version.findIndex((number) => number > 0);
  return index < 0 ? 2 : index;
}

/** Numbers up to the first `x`. @param {string} version @returns {number[]} */
function parts(version) {
  const numbers = [];
  for (const part of version.split(/[-+]/)[0]?.split(".") ?? []) {
    if (!/^\d+$/.test(part)) break;
    numbers.push(Number(part));
  }
  return numbers;
}

/** The smallest version beyond all that share the first `index + 1` numbers. @param {Version} version @param {number} index @returns {Version} */
function raised([major, minor, patch], index) {
  if (index === 0) return [major + 1, 0, 0];
  return index === 1 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

/** @param {Version} a @param {Version} b */
function atLeast(a, b) {
  for (let i = 0; i < 3; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
