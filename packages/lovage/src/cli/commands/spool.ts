/** `lovage spool -A MODULE [--replay]`: what an app with `publishFallback: "spool"` keeps on this machine for its broker. */
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { print } from "../output.ts";
import { listenForStop } from "../stop-signals.ts";

export const examples: CommandModule["examples"] = ["lovage spool -A app.ts", "lovage spool -A app.ts --replay"];

export const define: CommandModule["define"] = (command) =>
  command.option("--replay", "send it; goes on trying while the broker is away, until all is sent or Ctrl+C");

export const run: CommandModule["run"] = async (context, _args, { replay }: { readonly replay?: true }) => {
  const app = await context.loadApp();
  try {
    const { spool } = app;
    if (spool === null)
      throw new UsageError("LOVAGE_USAGE", `App "${app.name}" keeps nothing on this machine: its publishFallback is not "spool".`);
    const stop = listenForStop();
    const ended = replay && (await spool.replay(stop.asked).then(...asOutcome));
    const { waiting, refused, ...status } = await spool.status();
    const oldest = status.oldest?.toISOString() ?? null;
    print(context.output, { waiting, oldest, refused, replayed: spool.replayed }, () =>
      [
        ...(replay ? [`Sent ${spool.replayed}.`] : []),
        `${waiting} waiting${oldest === null ? "" : `, the oldest since ${oldest}`}; ${refused} refused.`,
      ].join(" "),
    );
    return ended === "stopped" ? 1 : 0;
  } finally {
    await app.close();
  }
};

const asOutcome = [() => "done", () => "stopped"] as const;
