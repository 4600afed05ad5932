/** What a fleet showed of one canvas, in the evaluator's words, and how the two differ. */
import type { Kwargs } from "./canvas.ts";
import { collapsed, type End, type Failure, type Tree } from "./ends.ts";
import type { Call, Expected, Run } from "./evaluate.ts";
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
  const write = expected.isUnordered ? writtenInAnyOrder : JSON.stringify;
  const said = ({ label, args, how, stamps, id }: Run): string =>
    `${label} ${how}(${write(args).slice(1, -1)})${sayStamps(stamps)}${id === null ? "" : ` by the id of ${id}`}`;
  const calls = callsOf(observed, expected);
  return [
    ...compareTrees("result", expected.result, seenTree(observed), lenient, write),
    ...compareBags("run", expected.runs.map(said), observed.records.filter(isRun).map(stripped).map(said), lenient),
    ...compareBags("errback", expected.calls.map(sayCall), calls.map(sayCall), lenient),
    ...calls.filter((call) => !isToldRight(expected, call)).map(({ errback, types }) => `${errback} is told of ${types}`),
  ];
}

const isToldRight = ({ calls }: Expected, seen: Call): boolean =>
  (seen.types ?? []).every((type) => calls.some((call) => sayCall(call) === sayCall(seen) && call.types?.includes(type)));

const isRun = ({ how }: Record): boolean => how !== "called";

type Write = (value: unknown) => string;
/** Lists sorted. */
const writtenInAnyOrder: Write = (value) =>
  Array.isArray(value) ? `[${value.map(writtenInAnyOrder).sort().join(",")}]` : JSON.stringify(value);

function sayStamps(stamps: Kwargs): string {
  const names = Object.keys(stamps).sort();
  return names.length === 0 ? "" : ` stamped ${names.map((name) => `${name}=${stamps[name]}`).join(", ")}`;
}

/** Labels carry the canvas's key on the wire. */
const bare = (label: string): string => label.slice(label.lastIndexOf(":") + 1);

/** Keyword arguments in one order. */
function barely(value: unknown): unknown {
  if (typeof value === "string") return bare(value);
  if (Array.isArray(value)) return value.map(barely);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, barely(each)]));
}

const stripped = ({ label, args, how, stamps, id }: Record): Run => ({
  label: bare(label),
  args: barely(args) as unknown[],
  how: how as Run["how"],
  stamps: (stamps ?? {}) as Kwargs,
  id: id?.startsWith("given:") ? bare(id) : null,
});

function callsOf({ records, stored }: Observed, { hidden }: Expected): Call[] {
  const ran = new Map(records.filter(({ how }) => how === "ran").map(({ id, label }) => [id, bare(label)]));
  return records
    .filter(({ how }) => how === "called")
    .map(({ label, args: [failed, type] }) => {
      const told = typeof type === "string" ? { types: [type] } : {};
      if (typeof failed !== "string") return { errback: bare(label), failed: null, ...told };
      return { errback: bare(label), failed: whatFailed(ran.get(failed), stored.get(failed)?.state, hidden), ...told };
    });
}

/** An errback is told of a failure: the id must lead to one. */
function whatFailed(run: string | undefined, state: string | undefined, hidden: ReadonlySet<string>): string {
  if (state === "FAILURE") return run ?? "no run";
  if (state !== undefined) return `what is ${state}`;
  return run === undefined || hidden.has(run) ? (run ?? "no result") : `${run}, which has no result`;
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

function compareTrees(where: string, expected: Tree, seen: Seen, lenient: boolean, write: Write): readonly string[] {
  if ("pending" in seen && (lenient || ("hidden" in expected && seen.pending === "PENDING"))) return [];
  if ("group" in expected && "group" in seen && expected.group.length === seen.group.length)
    return expected.group.flatMap((each, i) => compareTrees(`${where}[${i}]`, each, seen.group[i] as Seen, lenient, write));
  if (!("hidden" in expected)) {
    if ("error" in expected && "error" in seen && isSameFailure(expected.error, seen.error)) return [];
    if ("value" in expected && "value" in seen && write(expected.value) === write(seen.value)) return [];
  }
  return [`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`];
}

const isSameFailure = (expected: Failure, seen: Failure): boolean =>
  seen.types.every((type) => expected.types.includes(type)) && seen.from.every((label) => expected.from.includes(label));

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
