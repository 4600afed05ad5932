/** `lovage call NAME [JSON argument …]`: sends any task by name, a Python one too; needs no app when the store is known. */
import { UsageError } from "../../kernel/errors.ts";
import { remoteTask } from "../../task/remote-task.ts";
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { print } from "../output.ts";

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<task>", "name of the task")
    .argument("[args...]", "positional arguments, each JSON (what is not JSON is taken as a string)")
    .option("-k, --kwargs <json>", "keyword arguments as a JSON object", "{}")
    .option("-Q, --queue <queue>", "queue to send to; default: by the app's routes")
    .option("--countdown <seconds>", "start no earlier than this many seconds from now")
    .option("--expires <seconds>", "refuse to start later than this many seconds from now")
    .option("--priority <number>", "0 is the most urgent")
    .option("--wait [seconds]", "wait for the result and print it");

export const run: CommandModule["run"] = async (context, [name = "", ...args], options: CallOptions) => {
  const app = await context.loadApp();
  try {
    const handle = await app.send(remoteTask<unknown[], unknown>(name), args.map(argument), {
      kwargs: keywordArguments(options.kwargs ?? "{}"),
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      ...(options.countdown === undefined ? {} : { countdown: numberOf("--countdown", options.countdown) }),
      ...(options.expires === undefined ? {} : { expires: numberOf("--expires", options.expires) }),
      ...(options.priority === undefined ? {} : { priority: numberOf("--priority", options.priority) }),
    });
    if (options.wait === undefined) {
      print(context.output, { id: handle.id }, () => handle.id);
      return 0;
    }
    const result = await handle.get(options.wait === true ? {} : { timeoutMs: numberOf("--wait", options.wait) * 1000 });
    print(context.output, { id: handle.id, result }, () => JSON.stringify(result) ?? "null");
    return 0;
  } finally {
    await app.close();
  }
};

interface CallOptions {
  readonly kwargs?: string;
  readonly queue?: string;
  readonly countdown?: string;
  readonly expires?: string;
  readonly priority?: string;
  readonly wait?: string | true;
}

function argument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function keywordArguments(text: string): Readonly<Record<string, unknown>> {
  const value = argument(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new UsageError("LOVAGE_USAGE", `--kwargs takes a JSON object such as '{"x": 1}', got ${text}.`);
}
