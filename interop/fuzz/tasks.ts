/** The tasks of drawn canvases as Lovage serves them, and the record of what they were called with. */
import { currentRun, defineTask } from "lovage";
import { build } from "./build.ts";
import type { Canvas, Side } from "./canvas.ts";

/** One call, as either side writes it down. An errback's `args` are the failed id, and the type of the error if it was told. */
export interface Record {
  readonly label: string;
  /** null: called in place. */
  readonly id: string | null;
  readonly how: "ran" | "retried" | "replaced" | "called";
  readonly args: readonly unknown[];
  /** Absent: none. */
  readonly stamps?: { readonly [name: string]: unknown } | null;
}

export class Boom extends Error {
  override readonly name = "Boom";
}

const labelOf = (args: readonly unknown[]): string => args[args.length - 1] as string;
/** Every label begins with the key of its canvas. */
const keyOf = (args: readonly unknown[]): string => labelOf(args).slice(0, labelOf(args).lastIndexOf(":"));

type Write = (record: Record) => void;

export function tasksOf(side: Side, write: Write) {
  const note = (how: Record["how"], args: readonly unknown[]) => {
    const { id, message } = currentRun();
    write({ label: labelOf(args), id, how, args: args.slice(0, -1), stamps: message.stamps });
  };
  const define = (what: string, handler: (...args: unknown[]) => unknown) => defineTask(`fuzz.${side}.${what}`, handler);
  /** What stands before the label among the arguments of `replace` and `add`. */
  const unpacked = (args: readonly unknown[]) => ({ other: args.at(-2) as Canvas, own: [...args.slice(0, -2), labelOf(args)] });
  return {
    give: define("give", (...args) => {
      note("ran", args);
      return args;
    }),
    named: namedTask(side, note),
    fail: define("fail", (...args) => {
      note("ran", args);
      throw new Boom(labelOf(args));
    }),
    retry: define("retry", (...args) => {
      const { retries } = currentRun();
      note(retries === 0 ? "retried" : "ran", args);
      if (retries === 0) currentRun().retry({ delayMs: 0, max: 1 });
      return args;
    }),
    exhaust: define("exhaust", (...args) => {
      note(currentRun().retries === 0 ? "retried" : "ran", args);
      currentRun().retry({ delayMs: 0, max: 1, error: new Boom(labelOf(args)) });
    }),
    replace: define("replace", (...args) => {
      const { other, own } = unpacked(args);
      note("replaced", own);
      currentRun().replace(build(other, keyOf(args)));
    }),
    add: define("add", async (...args) => {
      const { other, own } = unpacked(args);
      note("ran", own);
      await currentRun().addToChord(build(other, keyOf(args)));
      return own;
    }),
    ...errbacksOf(side, write),
    ...mappedTasksOf(side, write),
  };
}

/** Tasks that `celery.map` and `celery.starmap` call in place; whoever serves those must know them. */
export function mappedTasksOf(side: Side, write: Write) {
  const note = (args: readonly unknown[]) => write({ label: labelOf(args), id: null, how: "ran", args: args.slice(0, -1) });
  return {
    item: defineTask(`fuzz.${side}.item`, (...args: unknown[]) => {
      note(args);
      return args;
    }),
    broken: defineTask(`fuzz.${side}.broken`, (...args: unknown[]) => {
      note(args);
      throw new Boom(labelOf(args));
    }),
  };
}

/** Takes one positional argument at most, as a step or a body does, and all others by name. */
function namedTask(side: Side, note: (how: Record["how"], args: readonly unknown[]) => void) {
  const params = ["given", "label", "a", "b", "c"] as const;
  return defineTask(`fuzz.${side}.named`, { params }, (given?: unknown, label?: string, a?: string, b?: string, c?: string) => {
    const kwargs = Object.fromEntries(Object.entries({ a, b, c }).filter(([, value]) => value !== undefined));
    const args = [...(given === undefined ? [] : [given]), kwargs];
    note("ran", [...args, label]);
    return [...args, label];
  });
}

function errbacksOf(side: Side, write: Write) {
  const called = (label: string, args: readonly unknown[]) => write({ label, id: currentRun().id, how: "called", args });
  return {
    errback: defineTask(`fuzz.${side}.errback`, { params: ["failed", "label"] }, (failed: string | undefined, label: string) =>
      called(label, [failed ?? null, null]),
    ),
    hear: defineTask(`fuzz.${side}.hear`, { errback: true }, (request, error, _traceback, label: string) =>
      called(label, [request.id, request.task === null ? null : (error.details.type ?? error.name)]),
    ),
  };
}
