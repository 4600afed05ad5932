/** `lovage purge -Q a,b`: removes what waits (parked messages too), never what runs. Asks before it does, on a terminal. */
import { createInterface } from "node:readline/promises";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { listOf } from "../flags.ts";
import { print } from "../output.ts";

export const define: CommandModule["define"] = (command) =>
  command
    .requiredOption("-Q, --queues <queues>", "queues to empty, separated by commas")
    .option("-f, --force", "do not ask")
    .option("--dry-run", "only say how many messages wait");

export const run: CommandModule["run"] = async (
  context,
  _args,
  options: { readonly queues?: string; readonly force?: true; readonly dryRun?: true },
) => {
  const queues = listOf("-Q", options.queues) ?? [];
  const app = await context.loadApp();
  try {
    const { broker } = await app.store();
    const waiting = (await broker.queues.depth(queues)).reduce((sum, depth) => sum + depth, 0);
    if (options.dryRun) {
      print(context.output, { queues, waiting, purged: 0 }, () => `${waiting} message(s) wait in ${queues.join(", ")}.`);
      return 0;
    }
    if (!options.force && !(await agreed(`Remove ${waiting} waiting message(s) from ${queues.join(", ")}? [y/N] `))) return 1;
    const purged = await broker.queues.purge(queues);
    print(context.output, { queues, purged }, () => `Removed ${purged} message(s) from ${queues.join(", ")}.`);
    return 0;
  } finally {
    await app.close();
  }
};

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError("LOVAGE_USAGE", "Nobody is there to be asked: use --force, or --dry-run to only look.");
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}
