/** What `lovage dlq` can do, one function each. They end in an exit code: 1 when something that was named was not there. */
import type { App } from "../../app/app.ts";
import type { BulkOptions, DeadTask, ReplayChanges } from "../../app/dead-letters.ts";
import { isLovageError, UsageError } from "../../kernel/errors.ts";
import { leastUrgent } from "../../kernel/priority.ts";
import { agreed, requireSomebody } from "../asking.ts";
import { durationOf, wholeOf } from "../flags.ts";
import { type Output, print, table } from "../output.ts";
import { listenForStop } from "../stop-signals.ts";
import { exportLetters, importLetters } from "./archive.ts";
import { type DlqFlags, findLetter, requireSelection, type Selection } from "./selection.ts";
import { factsOf, rowOf, shownOf } from "./views.ts";

export interface DlqCall extends Selection {
  readonly app: App;
  readonly output: Output;
  readonly flags: DlqFlags;
}

export const actions: Readonly<Record<string, (call: DlqCall) => Promise<number>>> = {
  list,
  show,
  replay,
  edit,
  discard: (call) =>
    bulk(
      call,
      "discard",
      async (id) => (await call.app.deadLetters.discard(id)) > 0,
      (options) => call.app.deadLetters.discardAll(options),
    ),
  export: async ({ app, output, flags, ...selection }) => {
    if (selection.ids.length === 0 && !flags.all) requireSelection("export", selection, flags);
    return exportLetters(app, output, selection);
  },
  import: async ({ app, output, ids: [file] }) => {
    if (file === undefined) throw new UsageError("LOVAGE_USAGE", "Say which file to import, or - for standard input.");
    const { imported, present } = await importLetters(app, file);
    const left = present === 0 ? "" : ` Left out ${present} that ${present === 1 ? "is" : "are"} there already.`;
    print(output, { imported, present }, () => `Imported ${letters(imported)}.${left}`);
    return 0;
  },
};

const uniqueOf = ({ unique }: DlqFlags): { unique?: false } => (unique ? {} : { unique });

async function replay(call: DlqCall): Promise<number> {
  const { app, output, flags } = call;
  const held: string[] = [];
  const onHeld = (id: string, holder: string) => {
    held.push(id);
    output.error(`Skipped ${id}: task ${holder} has its unique key.`);
  };
  const one = async (id: string) => {
    try {
      return await app.deadLetters.replay(id, uniqueOf(flags));
    } catch (error) {
      if (!isLovageError(error, "LOVAGE_UNIQUE_HELD")) throw error;
      onHeld(id, String(error.details.holder));
      return false;
    }
  };
  const code = await bulk(call, "replay", one, (options) => app.deadLetters.replayAll({ ...options, ...uniqueOf(flags), onHeld }), held);
  return code || (call.ids.length > 0 && held.length > 0 ? 1 : 0);
}

const letters = (count: number) => `${count} dead letter${count === 1 ? "" : "s"}`;

async function list({ app, output, flags, filter }: DlqCall): Promise<number> {
  const limit = wholeOf("--limit", flags.limit);
  const found = await app.deadLetters.list({ limit, filter, ...(flags.after !== undefined && { after: flags.after }) });
  const counts = await app.deadLetters.counts();
  const next = found.length === limit ? (found.at(-1)?.id ?? null) : null;
  print(output, { letters: found.map(shownOf), next, counts }, () => {
    if (found.length === 0) return "No dead letters.";
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    const lines = [table(["id", "died", "reason", "cause", "queue", "task", "detail"], found.map(rowOf)), "", `${letters(total)} in all.`];
    return (next === null ? lines : [...lines, `More: --after ${next}`]).join("\n");
  });
  return 0;
}

async function show({ app, output, ids }: DlqCall): Promise<number> {
  if (ids.length === 0) throw new UsageError("LOVAGE_USAGE", "Say which letters to show, by their ids.");
  const found = await Promise.all(ids.map((id) => findLetter(app, id)));
  const there = found.filter((letter) => letter !== undefined);
  print(output, there.length === 1 ? factsOf(there[0] as DeadTask).data : there.map((letter) => factsOf(letter).data), () =>
    there.map((letter) => factsOf(letter).text).join("\n\n"),
  );
  return sayMissing(output, ids, found);
}

function sayMissing(output: Output, ids: readonly string[], found: readonly unknown[]): number {
  const missing = ids.filter((_, i) => found[i] === undefined || found[i] === false);
  for (const id of missing) output.error(`No dead letter "${id}".`);
  return missing.length > 0 ? 1 : 0;
}

async function edit({ app, output, ids, flags }: DlqCall): Promise<number> {
  const [id, second] = ids;
  if (id === undefined || second !== undefined) throw new UsageError("LOVAGE_USAGE", "edit takes the id of one letter.");
  const changes = changesOf(flags);
  if (Object.keys(changes).length === 0)
    throw new UsageError(
      "LOVAGE_USAGE",
      "Say what to change: --args, --kwargs, --to-queue, --rename, --priority, --time-limit or --soft-time-limit.",
    );
  const letter = await findLetter(app, id);
  const edited = letter !== undefined && (await app.deadLetters.edit(letter.id, { ...changes, ...uniqueOf(flags) }));
  if (!edited) return sayMissing(output, ids, [false]);
  print(output, { replayed: 1, taskId: letter.taskId }, () => `Replayed task ${letter.taskId}, changed.`);
  return 0;
}

function changesOf({ args, kwargs, toQueue, rename, priority, timeLimit, softTimeLimit }: DlqFlags): ReplayChanges {
  return {
    ...(args !== undefined && { args: jsonOf("--args", args, Array.isArray, "a JSON list") }),
    ...(kwargs !== undefined && { kwargs: jsonOf("--kwargs", kwargs, isObject, "a JSON object") }),
    ...(toQueue !== undefined && { queue: toQueue }),
    ...(rename !== undefined && { task: rename }),
    ...(priority !== undefined && { priority: wholeOf("--priority", priority, 0, leastUrgent) }),
    ...(timeLimit !== undefined && { timeLimit: durationOf("--time-limit", timeLimit) as number | string }),
    ...(softTimeLimit !== undefined && { softTimeLimit: durationOf("--soft-time-limit", softTimeLimit) as number | string }),
  } as ReplayChanges;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

function jsonOf(flag: string, text: string, fits: (value: unknown) => boolean, takes: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (fits(value)) return value;
  } catch {
    // Said below.
  }
  throw new UsageError("LOVAGE_USAGE", `${flag} takes ${takes}, got ${text}`);
}

/** By ids, or all that fit. What throws away, and what may be many, is asked for. */
async function bulk(
  { app, output, flags, ids, filter }: DlqCall,
  action: "replay" | "discard",
  one: (id: string) => Promise<boolean>,
  all: (options: BulkOptions) => Promise<number>,
  skipped: readonly string[] = [],
): Promise<number> {
  requireSelection(action, { ids, filter }, flags);
  const asks = !flags.force && !flags.dryRun && (ids.length === 0 || action === "discard");
  if (asks) requireSomebody();
  const found = await Promise.all(ids.map((id) => findLetter(app, id)));
  const meant = ids.length > 0 ? found.filter((letter) => letter !== undefined).length : await countOf(app, filter);
  const declined = asks && !(await agreed(`${action === "replay" ? "Replay" : "Discard"} ${letters(meant)}? [y/N] `));
  const done = flags.dryRun || declined ? 0 : ids.length > 0 ? await each(found, one) : await all(optionsOf(flags, filter));
  const told = action === "replay" ? { meant, replayed: done, skipped: skipped.length } : { meant, discarded: done };
  print(output, told, () => {
    if (flags.dryRun) return `${letters(meant)}.`;
    return declined
      ? "Nothing was changed."
      : `${action === "replay" ? "Replayed" : "Discarded"} ${letters(done)}.${skipped.length > 0 ? ` Skipped ${skipped.length}.` : ""}`;
  });
  return sayMissing(output, ids, found) || (declined ? 1 : 0);
}

async function countOf(app: App, filter: Selection["filter"]): Promise<number> {
  let count = 0;
  for await (const _ of app.deadLetters.each(filter)) count += 1;
  return count;
}

async function each(found: readonly (DeadTask | undefined)[], one: (id: string) => Promise<boolean>): Promise<number> {
  let done = 0;
  for (const letter of found) if (letter !== undefined && (await one(letter.id))) done += 1;
  return done;
}

function optionsOf({ rate }: DlqFlags, filter: Selection["filter"]): BulkOptions {
  const { asked } = listenForStop();
  return { filter, signal: asked, ...(rate !== undefined && { rate }) };
}
