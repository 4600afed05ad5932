/** The form of a JSON document: keys and types at any depth, so that two documents can be compared for what a program relies on. */

/** What differs, as `path: why` lines; empty: a program that reads one can read the other. */
export function shapeDifferences(theirs: unknown, ours: unknown, path = ""): string[] {
  const [a, b] = [kindOf(theirs), kindOf(ours)];
  if (a !== b) return [`${path || "."}: ${a} here, ${b} there`];
  if (a === "array") {
    const [first, second] = [theirs as readonly unknown[], ours as readonly unknown[]];
    if (first.length === 0 || second.length === 0) return first.length === second.length ? [] : [`${path}[]: empty on one side`];
    // Lists of one form each, of any length; or tuples.
    const isTuple = first.length === second.length;
    return [...new Set(second.flatMap((element, i) => shapeDifferences(first[isTuple ? i : 0], element, `${path}[]`)))];
  }
  if (a !== "object") return [];
  const [left, right] = [theirs as Record<string, unknown>, ours as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort().flatMap((key) => {
    const at = path === "" ? key : `${path}.${key}`;
    if (!(key in right)) return [`${at}: not there`];
    if (!(key in left)) return [`${at}: only there`];
    return shapeDifferences(left[key], right[key], at);
  });
}

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
