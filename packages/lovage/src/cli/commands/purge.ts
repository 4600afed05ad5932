/** `lovage purge -Q a,b`: removes what waits (parked messages too), never what runs. Asks before it does, on a terminal. */

import { agreed, requireSomebody } from "../asking.ts";
import type { CommandModule } from "../command.ts";
import { listOf } from "../flags.ts";
import { print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage purge -Q celery,cpu -A app.ts --dry-run",
  "lovage purge -Q celery -A app.ts --force",
];

export const define: CommandModule["define"] = (command) =>
  command
    .requiredOption("-Q, --queues <queues>", "queues to empty, separated by commas")
    .option("-f, --force", "do not ask")
    .option("--dry-run", "only say how many messages wait");

interface PurgeFlags {
  readonly queues?: string;
  readonly force?: true;
  readonly dryRun?: true;
}

export const run: CommandModule["run"] = async (context, _args, { queues: named, force, dryRun }: PurgeFlags) => {
  const queues = listOf("-Q", named) ?? [];
  const names = queues.join(", ");
  if (!force && !dryRun) requireSomebody();
  const app = await context.loadApp();
  try {
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
