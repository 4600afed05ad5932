/** `lovage queue list | peek | counts | move | remove | pause | resume`: what waits where, and what to do about it. */
import { QueueDesk } from "../../app/queues.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { actions, type QueueFlags } from "../queue/actions.ts";

export const examples: CommandModule["examples"] = [
  "lovage queue list -A app.ts",
  "lovage queue peek celery -A app.ts --from 100 --limit 50",
  "lovage queue counts celery -b redis://localhost/0 --json",
  "lovage queue move celery slow --task photos.segment -A app.ts",
  "lovage queue remove celery --id 0a4c1f2e-6c1b-4b0e-8f7a-2f6f0c9d1e11 -A app.ts --force",
  'lovage queue pause celery --why "database upgrade" -A app.ts',
  "lovage queue resume celery -A app.ts",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<action>", Object.keys(actions).join(", "))
    .argument("[queues...]", "list: these only; move: from, to; all others: one queue")
    .option("--from <place>", "peek: begin behind so many", "0")
    .option("--limit <count>", "peek: how many (20); move, remove: at most so many")
    .option("--raw", "peek: the bytes as they stand in the store, one message per line")
    .option("--id <task id>", "move, remove: only this task")
    .option("--task <name>", "move, remove: only of this task")
    .option("--place <place>", "move, remove: only the one at this place, as peek shows it")
    .option("--why <text>", "pause: what others shall read")
    .option("-f, --force", "remove: do not ask");

export const run: CommandModule["run"] = async (context, [action = "", ...queues], flags: QueueFlags) => {
  const act = actions[action];
  if (act === undefined) throw new UsageError("LOVAGE_USAGE", `queue can ${Object.keys(actions).join(", ")}; it cannot "${action}".`);
  const connection = await context.connect();
  try {
    const desk = new QueueDesk(() => connection.store(), Date.now);
    return await act({ desk, output: context.output, queues, flags });
  } finally {
    await connection.close();
  }
};
