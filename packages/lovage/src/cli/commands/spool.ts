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
    const before = await spool.status();
    const stop = listenForStop();
    const ended = replay && (await spool.replay(stop.asked).then(...asOutcome));
    const after = await spool.status();
    print(context.output, { ...after, replayed: before.waiting - after.waiting }, () =>
      [
        ...(replay ? [`Sent ${Math.max(0, before.waiting - after.waiting)}.`] : []),
        `${after.waiting} waiting${after.oldest === null ? "" : `, the oldest since ${after.oldest.toISOString()}`}; ${after.refused} refused.`,
      ].join(" "),
    );
    return ended === "stopped" ? 1 : 0;
  } finally {
    await app.close();
  }
};

const asOutcome = [() => "done", () => "stopped"] as const;
