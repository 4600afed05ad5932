/** The tasks of drawn canvases as Lovage serves them, and the record of what they were called with. */
import { currentRun, defineTask } from "lovage";
import { build } from "./build.ts";
import type { Canvas, Side } from "./canvas.ts";

/** One call, as either side writes it down. An errback has no `args`. */
export interface Record {
  readonly label: string;
  readonly id: string;
  readonly how: "ran" | "retried" | "replaced" | "called";
  readonly args: readonly unknown[];
}

export class Boom extends Error {
  override readonly name = "Boom";
}

const labelOf = (args: readonly unknown[]): string => args[args.length - 1] as string;

export function tasksOf(side: Side, write: (record: Record) => void) {
  const note = (how: Record["how"], args: readonly unknown[]) =>
    write({ label: labelOf(args), id: currentRun().id, how, args: args.slice(0, -1) });
  const give = defineTask(`fuzz.${side}.give`, (...args: unknown[]) => {
    note("ran", args);
    return args;
  });
  const fail = defineTask(`fuzz.${side}.fail`, (...args: unknown[]) => {
    note("ran", args);
    throw new Boom(labelOf(args));
  });
  const retry = defineTask(`fuzz.${side}.retry`, (...args: unknown[]) => {
    const { retries } = currentRun();
    note(retries === 0 ? "retried" : "ran", args);
    if (retries === 0) currentRun().retry({ delayMs: 0, max: 1 });
    return args;
  });
  const replace = defineTask(`fuzz.${side}.replace`, (...args: unknown[]) => {
    const replacement = args.at(-2) as Canvas;
    note("replaced", [...args.slice(0, -2), labelOf(args)]);
    currentRun().replace(build(replacement, labelOf(args).slice(0, labelOf(args).lastIndexOf(":"))));
  });
  const errback = defineTask(`fuzz.${side}.errback`, { params: ["failed", "label"] }, (failed: string | undefined, label: string) => {
    write({ label, id: currentRun().id, how: "called", args: [failed ?? null] });
  });
  return { give, fail, retry, replace, errback };
}
