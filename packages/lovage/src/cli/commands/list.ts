/** `lovage list bindings`: which exchange feeds which queue, by which key. */
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { print, table } from "../output.ts";

export const examples: CommandModule["examples"] = ["lovage list bindings -A app.ts", "lovage list bindings -b redis://localhost/0 --json"];

export const define: CommandModule["define"] = (command) => command.argument("<what>", "bindings");

export const run: CommandModule["run"] = async (context, [what = ""]) => {
  if (what !== "bindings") throw new UsageError("LOVAGE_USAGE", `list can bindings; it cannot "${what}".`);
  const connection = await context.connect();
  try {
    const { broker } = await connection.store();
    const bindings = [...(await broker.queues.bindings())].sort((a, b) => (a.queue < b.queue ? -1 : 1));
    print(context.output, { bindings }, () =>
      table(
        ["QUEUE", "EXCHANGE", "ROUTING KEY"],
        bindings.map(({ queue, exchange, routingKey }) => [queue, exchange, routingKey]),
      ),
    );
    return 0;
  } finally {
    await connection.close();
  }
};
