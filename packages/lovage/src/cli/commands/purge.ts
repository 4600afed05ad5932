/** `lovage purge [-Q a,b] [-X c]`: removes what waits (parked messages too), never what runs. Asks before it does, on a terminal. */
import { UsageError } from "../../kernel/errors.ts";
import { agreed, requireSomebody } from "../asking.ts";
import type { CommandModule } from "../command.ts";
import { listOf } from "../flags.ts";
import { print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage purge -Q celery,cpu -A app.ts --dry-run",
  "lovage purge -Q celery -A app.ts --force",
  "lovage purge -X urgent -A app.ts",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("-Q, --queues <queues>", "queues to empty, separated by commas; default: those that the app's workers consume")
    .option("-X, --exclude-queues <queues>", "queues to leave alone")
    .option("-f, --force", "do not ask")
    .option("--dry-run", "only say how many messages wait");

interface PurgeFlags {
  readonly queues?: string;
  readonly excludeQueues?: string;
  readonly force?: true;
  readonly dryRun?: true;
}

export const run: CommandModule["run"] = async (context, _args, { queues: named, excludeQueues, force, dryRun }: PurgeFlags) => {
  const wanted = listOf("-Q", named);
  const spared = listOf("-X", excludeQueues) ?? [];
  if (!force && !dryRun) requireSomebody();
  const app = await context.connect();
  try {
    const { taskQueues, taskDefaultQueue } = app.config;
    const queues = (wanted ?? taskQueues ?? [taskDefaultQueue]).filter((queue) => !spared.includes(queue));
    if (queues.length === 0) throw new UsageError("LOVAGE_USAGE", `-X leaves no queue to purge: ${spared.join(", ")}.`);
    const names = queues.join(", ");
    const { broker } = await app.store();
    const waiting = (await broker.queues.depth(queues)).reduce((sum, depth) => sum + depth, 0);
    const keep = dryRun ? `${count(waiting)} in ${names}.` : null;
    if (keep !== null || !(force || (await agreed(`Remove ${count(waiting)} from ${names}? [y/N] `)))) {
      print(context.output, { queues, waiting, purged: 0 }, () => keep ?? "Nothing was removed.");
      return keep === null ? 1 : 0;
    }
    const purged = await broker.queues.purge(queues);
    print(context.output, { queues, waiting, purged }, () => `Removed ${count(purged)} from ${names}.`);
    return 0;
  } finally {
    await app.close();
  }
};

const count = (messages: number) => `${messages} waiting message${messages === 1 ? "" : "s"}`;
