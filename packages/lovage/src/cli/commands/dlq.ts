/** `lovage dlq list | show | replay | edit | discard | export | import`: messages that were given up. */

import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { actions } from "../dlq/actions.ts";
import { type DlqFlags, selectionOf } from "../dlq/selection.ts";

export const examples: CommandModule["examples"] = [
  "lovage dlq list -A app.ts --reason poison --newer 1h",
  "lovage dlq show 1795273200000-00000000000000a3 -A app.ts",
  "lovage dlq replay --all -Q photos -A app.ts --rate 10/s --dry-run",
  'lovage dlq edit 1795273200000-00000000000000a3 -A app.ts --args "[42]"',
  "lovage dlq discard --all --older 30d -A app.ts --force",
  "lovage dlq export --all -A app.ts",
  "lovage dlq import letters.jsonl -A app.ts",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<action>", Object.keys(actions).join(", "))
    .argument("[ids...]", "letters by id, or the newest of a task id; import: a file, or - for standard input")
    .option("--all", "all that the filters below leave")
    .option("-Q, --queue <queue>", "only of this queue")
    .option("--task <name>", "only of this task")
    .option("--reason <reason>", "only for this reason: poison, lost, undecodable, unknown-task, retries-exhausted, failed, refused")
    .option("--older <duration>", "only what died longer ago, as in 30d")
    .option("--newer <duration>", "only what died since then")
    .option("--limit <count>", "list: how many", "50")
    .option("--after <id>", "list: go on behind this one")
    .option("--rate <rate>", "replay, discard: at most so many, as in 10/s")
    .option("--args <json>", "edit: its positional arguments")
    .option("--kwargs <json>", "edit: its keyword arguments")
    .option("--to-queue <queue>", "edit: where it goes")
    .option("--rename <task>", "edit: the task's name")
    .option("--priority <number>", "edit: 0 is the most urgent, 9 the least")
    .option("--time-limit <duration>", "edit: hard limit of the run")
    .option("--soft-time-limit <duration>", "edit: soft limit of the run")
    .option("--no-unique", "replay, edit: run also beside a task that has its unique key")
    .option("-f, --force", "do not ask")
    .option("--dry-run", "only say how many are meant");

export const run: CommandModule["run"] = async (context, [action = "", ...ids], flags: DlqFlags) => {
  const act = actions[action];
  if (act === undefined) {
    throw new UsageError("LOVAGE_USAGE", `dlq can ${Object.keys(actions).join(", ")}; it cannot "${action}".`);
  }
  const app = await context.loadApp();
  try {
    return await act({ app, output: context.output, flags, ...selectionOf(ids, flags) });
  } finally {
    await app.close();
  }
};
