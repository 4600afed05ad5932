/** `lovage call NAME [JSON argument …]`: sends any task by name, a Python one too; needs no app when the store is known. */
import { UsageError } from "../../kernel/errors.ts";
import { leastUrgent } from "../../kernel/priority.ts";
import type { SendOptions } from "../../task/send-options.ts";
import type { CommandModule } from "../command.ts";
import { durationOf, numberOf, wholeOf } from "../flags.ts";
import { asJson, print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage call photos.detect '\"p1\"' 3 -A app.ts --wait",
  'lovage call proj.tasks.add --kwargs \'{"x": 2, "y": 3}\' -b redis://localhost/0',
  "lovage call reports.nightly -A app.ts --countdown 5m -Q slow",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<task>", "name of the task")
    .argument("[args...]", "positional arguments, each JSON (what is not JSON is taken as text)")
    .option("-k, --kwargs <json>", "keyword arguments as a JSON object")
    .option("-Q, --queue <queue>", "queue to send to; default: by the app's routes")
    .option("--countdown <seconds>", "start no earlier than this from now")
    .option("--expires <seconds>", "refuse to start later than this from now")
    .option("--priority <number>", "0 is the most urgent, 9 the least")
    .option("--wait", "wait for the result and print it")
    .option("--timeout <seconds>", "with --wait: give up waiting after this; the task goes on");

export const run: CommandModule["run"] = async (context, [name = "", ...args], flags: CallFlags) => {
  const options = sendOptionsOf(flags);
  const timeout = numberOf("--timeout", flags.timeout);
  const app = await context.loadApp();
  try {
    const handle = await app.send(name, args.map(argument), options);
    if (!flags.wait) {
      print(context.output, { id: handle.id }, () => handle.id);
      return 0;
    }
    const result = await handle.get(timeout === undefined ? {} : { timeoutMs: timeout * 1000 });
    print(context.output, { id: handle.id, result }, () => asJson(result));
    return 0;
  } finally {
    await app.close();
  }
};

interface CallFlags {
  readonly kwargs?: string;
  readonly queue?: string;
  readonly countdown?: string;
  readonly expires?: string;
  readonly priority?: string;
  readonly wait?: true;
  readonly timeout?: string;
}

function sendOptionsOf(flags: CallFlags): SendOptions {
  const options: { [K in keyof SendOptions]: SendOptions[K] | undefined } = {
    kwargs: flags.kwargs === undefined ? undefined : keywordArguments(flags.kwargs),
    queue: flags.queue,
    countdown: durationOf("--countdown", flags.countdown),
    expires: durationOf("--expires", flags.expires),
    priority: wholeOf("--priority", flags.priority, 0, leastUrgent),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as SendOptions;
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
