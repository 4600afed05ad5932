/** What a fleet showed of one canvas, in the evaluator's words, and how the two differ. */
import type { Call, End, Expected, Failure, Run, Tree } from "./evaluate.ts";
import { collapsed } from "./evaluate.ts";
import type { Record } from "./tasks.ts";

/** The shape of what a caller holds: one id, or the members of a group. */
export type Handle = string | { readonly group: readonly Handle[] };
/** undefined: nothing is stored, or nothing final. */
export type Stored = { readonly state: string; readonly result: unknown } | undefined;

export interface Observed {
  readonly handle: Handle;
  readonly records: readonly Record[];
  readonly stored: ReadonlyMap<string, Stored>;
}

type Seen = End | { readonly pending: string } | { readonly group: readonly Seen[] };

export function idsOf(handle: Handle): readonly string[] {
  return typeof handle === "string" ? [handle] : handle.group.flatMap(idsOf);
}

/** Ids to read: of what the caller holds, and of what errbacks were called for. */
export function idsToRead(handle: Handle, records: readonly Record[]): readonly string[] {
  const failed = records.flatMap(({ how, args }) => (how === "called" && typeof args[0] === "string" ? [args[0]] : []));
  return [...new Set([...idsOf(handle), ...failed])];
}

/** One line per difference; none: they agree. `lenient`: less than expected is no difference. */
export function differences(expected: Expected, observed: Observed, lenient = false): readonly string[] {
  return [
    ...compareTrees("result", expected.result, seenTree(observed), lenient),
    ...compareBags("run", expected.runs.map(sayRun), observed.records.filter(isRun).map(stripped).map(sayRun), lenient),
    ...compareBags("errback", expected.calls.map(sayCall), callsOf(observed).map(sayCall), lenient),
  ];
}

const isRun = ({ how }: Record): boolean => how !== "called";

/** Labels carry the canvas's key on the wire. */
const bare = (label: string): string => label.slice(label.lastIndexOf(":") + 1);
const barely = (value: unknown): unknown => (typeof value === "string" ? bare(value) : Array.isArray(value) ? value.map(barely) : value);

const stripped = ({ label, args, how }: Record): Run => ({ label: bare(label), args: barely(args) as unknown[], how: how as Run["how"] });

function callsOf({ records, stored }: Observed): Call[] {
  const ran = new Map(records.filter(({ how }) => how === "ran").map(({ id, label }) => [id, bare(label)]));
  return records
    .filter(({ how }) => how === "called")
    .map(({ label, args: [failed] }) => {
      if (typeof failed !== "string") return { errback: bare(label), failed: null };
      const state = stored.get(failed)?.state ?? "PENDING";
      // It is told of a failure: the id must lead to one.
      return { errback: bare(label), failed: state === "FAILURE" ? (ran.get(failed) ?? "not run") : `${failed}, which is ${state}` };
    });
}

function seenTree({ handle, stored }: Observed): Seen {
  const seen = (each: Handle): Seen => (typeof each === "string" ? endOf(stored.get(each)) : { group: each.group.map(seen) });
  return collapsed(seen(handle) as Tree) as Seen;
}

function endOf(stored: Stored): Seen {
  if (stored === undefined) return { pending: "PENDING" };
  if (stored.state === "SUCCESS") return { value: barely(stored.result) };
  return stored.state === "FAILURE" ? { error: failureOf(stored.result) } : { pending: stored.state };
}

function failureOf(result: unknown): Failure {
  const { exc_type: type, exc_message: message } = result as { exc_type: string; exc_message: unknown };
  const text = String(Array.isArray(message) ? message[0] : message);
  if (type === "Boom") return { types: [type], from: [bare(text)] };
  const [, root] = /Boom\(\\*['"]([\w:]+)/.exec(text) ?? [];
  return { types: [type], from: [root === undefined ? text : bare(root)] };
}

function compareTrees(where: string, expected: Tree, seen: Seen, lenient: boolean): readonly string[] {
  if (lenient && "pending" in seen) return [];
  if ("group" in expected && "group" in seen && expected.group.length === seen.group.length)
    return expected.group.flatMap((each, i) => compareTrees(`${where}[${i}]`, each, seen.group[i] as Seen, lenient));
  if ("error" in expected && "error" in seen && isSameFailure(expected.error, seen.error)) return [];
  if ("value" in expected && "value" in seen && JSON.stringify(expected.value) === JSON.stringify(seen.value)) return [];
  return [`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`];
}

const isSameFailure = (expected: Failure, seen: Failure): boolean =>
  seen.types.every((type) => expected.types.includes(type)) && seen.from.every((label) => expected.from.includes(label));

const sayRun = ({ label, args, how }: Run): string => `${label} ${how}(${JSON.stringify(args).slice(1, -1)})`;
const sayCall = ({ errback, failed }: Call): string => `${errback} for ${failed ?? "anything"}`;

function compareBags(what: string, expected: readonly string[], seen: readonly string[], lenient: boolean): readonly string[] {
  const extra = minus(seen, expected);
  const missing = lenient ? [] : minus(expected, seen);
  return [...missing.map((each) => `missing ${what}: ${each}`), ...extra.map((each) => `unexpected ${what}: ${each}`)];
}

function minus(from: readonly string[], what: readonly string[]): readonly string[] {
  const left = [...from];
  for (const each of what) {
    const at = left.indexOf(each);
    if (at !== -1) left.splice(at, 1);
  }
  return left;
}
