/** `lovage graph workers | bindings`: running nodes, Python's too, as DOT, for `dot -Tsvg`. Exit code 69: none answered. */
import { UsageError } from "../../kernel/errors.ts";
import { maskSecrets } from "../../kernel/mask-secrets.ts";
import { exitCodes } from "../../worker/exit-codes.ts";
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { bindingsGraph, workersGraph } from "../graph/dot.ts";
import { audienceFlags, audienceOf } from "../remote/ask-nodes.ts";

export const examples: CommandModule["examples"] = [
  "lovage graph workers -b redis://localhost/0 | dot -Tsvg > workers.svg",
  "lovage graph bindings -A app.ts",
];

const kinds = ["workers", "bindings"];

export const define: CommandModule["define"] = (command) => audienceFlags(command.argument("<kind>", kinds.join(", ")));

export const run: CommandModule["run"] = async (
  context,
  [kind = ""],
  flags: { readonly timeout?: string; readonly destination?: string },
) => {
  if (!kinds.includes(kind)) throw new UsageError("LOVAGE_USAGE", `lovage graph draws ${kinds.join(" or ")}, got "${kind}".`);
  const how = { ...audienceOf(flags), timeoutMs: numberOf("--timeout", flags.timeout ?? "1") * 1000 };
  const connection = await context.connect();
  try {
    const { control, config } = connection;
    const shown = [config.broker, config.resultBackend ?? config.broker].map(maskSecrets) as [string, string];
    const { nodes, dot } =
      kind === "bindings"
        ? drawn(await control.inspect("active_queues", {}, how), bindingsGraph)
        : drawn(await control.inspect("stats", {}, how), (replies) => workersGraph(replies, ...shown));
    context.output.write(dot);
    if (nodes > 0) return exitCodes.ok;
    context.output.error(`No node answered within ${flags.timeout ?? 1} s.`);
    return exitCodes.brokerUnreachable;
  } finally {
    await connection.close();
  }
};

const drawn = <T extends object>(replies: T, draw: (replies: T) => string) => ({ nodes: Object.keys(replies).length, dot: draw(replies) });
