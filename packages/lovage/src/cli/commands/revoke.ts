/**
 * `lovage revoke ID …`, `--root`, `--tag`, `--correlation-id`, `--stamp`: refuses tasks for good, also those that are sent later,
 * and with --terminate stops what runs. Exit code 0, whether it met any or not.
 */
import type { Met, RevokeTarget } from "../../app/revoking.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { millisecondsOf } from "../flags.ts";
import { jsonOrText } from "../json-or-text.ts";
import { print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage revoke 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55 --terminate",
  "lovage revoke --tag user:42 --dry-run -A app.ts",
  "lovage revoke --stamp tenant=red --terminate --signal SIGKILL --json",
];

const more = (value: string, all: readonly string[] = []) => [...all, value];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("[ids...]", "task ids")
    .option("--root <id>", "all that came of this task; may be given again", more)
    .option("--tag <tag>", "all with this tag; may be given again", more)
    .option("--correlation-id <id>", "all of this request; may be given again", more)
    .option("--stamp <name=value>", "all with this stamp, its value JSON or text; may be given again", more)
    .option("--terminate", "stop what runs, too")
    .option("-s, --signal <name>", "with --terminate: SIGKILL at once, SIGUSR1 softly, others to a process that runs one task alone")
    .option(
      "--kill-after <duration>",
      'with --terminate: how long a run may take to stop by itself; seconds, or text with a unit such as "2m"',
    )
    .option("--dry-run", "only say how many it meets now");

interface RevokeFlags {
  readonly root?: readonly string[];
  readonly tag?: readonly string[];
  readonly correlationId?: readonly string[];
  readonly stamp?: readonly string[];
  readonly terminate?: true;
  readonly signal?: string;
  readonly killAfter?: string;
  readonly dryRun?: true;
}

export const run: CommandModule["run"] = async (context, ids, flags: RevokeFlags) => {
  const target = targetOf(ids, flags);
  const killAfterMs = millisecondsOf("--kill-after", flags.killAfter);
  const { terminate = false, signal, dryRun = false } = flags;
  if (!terminate && (signal !== undefined || killAfterMs !== undefined))
    throw new UsageError("LOVAGE_USAGE", "--signal and --kill-after say how a run is stopped: they go with --terminate.");
  const app = await context.loadApp();
  try {
    const how = { terminate, ...(signal !== undefined && { signal }), ...(killAfterMs !== undefined && { killAfterMs }) };
    const met = await app.revoke(target, { ...how, dryRun, count: true });
    print(context.output, { revoked: !dryRun, ...met }, () => `${dryRun ? "Would meet" : "Revoked. It meets"} ${textOf(met)} now.`);
    return 0;
  } finally {
    await app.close();
  }
};

function targetOf(ids: readonly string[], { root, tag, correlationId, stamp }: RevokeFlags): RevokeTarget {
  if (ids.length === 0 && [root, tag, correlationId, stamp].every((flag) => flag === undefined))
    throw new UsageError("LOVAGE_USAGE", "Say what to revoke: task ids, --root, --tag, --correlation-id or --stamp.");
  const stamps: Record<string, unknown[]> = {};
  for (const each of stamp ?? []) {
    const [, name = "", value = ""] = /^([^=]+)=([\s\S]*)$/.exec(each) ?? [];
    if (name === "") throw new UsageError("LOVAGE_USAGE", `--stamp takes name=value, got "${each}".`);
    stamps[name] ??= [];
    stamps[name].push(jsonOrText(value));
  }
  return {
    id: ids,
    ...(root !== undefined && { root }),
    ...(tag !== undefined && { tag }),
    ...(correlationId !== undefined && { correlationId }),
    stamps,
  };
}

const textOf = ({ waiting, parked, running }: Met): string => `${waiting} waiting, ${parked} parked and ${running} running`;
