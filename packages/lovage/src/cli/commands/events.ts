/** `lovage events`: a live screen of tasks and nodes, Python's too; `--dump` prints a line per event, `--json` one document per line. */
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import type { Connection } from "../connect.ts";
import { EventDump } from "../events/dump.ts";
import { asJson, type Output } from "../output.ts";
import { listenForStop } from "../stop-signals.ts";

export const examples: CommandModule["examples"] = [
  "lovage events -b redis://localhost/0",
  "lovage events --dump -A app.ts",
  "lovage events --json | jq -c 'select(.type == \"task-failed\")'",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("-d, --dump", "print a line per event instead")
    .option("-c, --camera <class>", "not here: Celery's snapshots have no counterpart; read --json instead")
    .option("-F, --frequency <seconds>", "not here, as it is for snapshots");

interface EventFlags {
  readonly dump?: true;
  readonly camera?: string;
  readonly frequency?: string;
}

export const run: CommandModule["run"] = async (context, _args, { dump, camera, frequency }: EventFlags) => {
  const { output } = context;
  if (camera !== undefined || frequency !== undefined)
    throw new UsageError(
      "LOVAGE_USAGE",
      "lovage events takes no snapshots (--camera, --frequency): read its --json, a document per event.",
    );
  const isScreen = !dump && !output.json;
  if (isScreen && !(process.stdin.isTTY && process.stdout.isTTY))
    throw new UsageError("LOVAGE_USAGE", "lovage events needs a terminal for its screen: use --dump or --json.");
  const stop = listenForStop();
  const connection = await context.connect();
  try {
    // A store that is away ends the command before a screen hides why.
    await (await connection.store()).ping(connection.config.deadlineMs);
    context.serving();
    if (isScreen) await (await import("../events/watch.ts")).watchEvents(connection, stop.asked);
    else await print(connection, output, stop.asked);
    return 0;
  } finally {
    await connection.close();
  }
};

async function print(connection: Connection, output: Output, signal: AbortSignal): Promise<void> {
  const dump = new EventDump();
  if (!output.json) output.error(`Listening to ${(await connection.store()).name}`);
  for await (const event of connection.events.capture({ signal })) output.write(output.json ? asJson(event) : dump.line(event));
}
