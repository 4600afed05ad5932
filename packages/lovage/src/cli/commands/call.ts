/** `lovage call NAME [JSON argument …]`: sends any task by name, a Python one too; needs no app when the store is known. */
import { UsageError } from "../../kernel/errors.ts";
import { leastUrgent } from "../../kernel/priority.ts";
import type { SendOptions } from "../../task/send-options.ts";
import type { CommandModule } from "../command.ts";
import { durationOf, numberOf, wholeOf } from "../flags.ts";
import { jsonOrText } from "../json-or-text.ts";
import { asJson, print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage call photos.detect '\"p1\"' 3 -A app.ts --wait",
  'lovage call proj.tasks.add --kwargs \'{"x": 2, "y": 3}\' -b redis://localhost/0',
  "lovage call proj.tasks.add --args '[2, 3]' --eta 2030-01-02T03:04:05+00:00",
  "lovage call reports.nightly -A app.ts --countdown 5m -Q slow",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<task>", "name of the task")
    .argument("[args...]", "positional arguments, each JSON (what is not JSON is taken as text)")
    .option("-a, --args <json>", "positional arguments as one JSON array, as Celery's command takes them")
    .option("-k, --kwargs <json>", "keyword arguments as a JSON object")
    .option("-Q, --queue <queue>", "queue to send to; default: by the app's routes")
    .option("--routing-key <key>", "the same: without exchanges a routing key is a queue")
    .option("--exchange <name>", "accepted for Celery's sake where it is the default exchange")
    .option("--serializer <name>", "json; there is no other")
    .option("--countdown <seconds>", "start no earlier than this from now")
    .option("--eta <time>", "start no earlier than this moment, ISO 8601 with an offset")
    .option("--expires <seconds>", "refuse to start later than this from now, or than a moment")
    .option("--priority <number>", "0 is the most urgent, 9 the least")
    .option("--wait", "wait for the result and print it")
    .option("--timeout <seconds>", "with --wait: give up waiting after this; the task goes on");

export const run: CommandModule["run"] = async (context, [name = "", ...args], flags: CallFlags) => {
  const options = sendOptionsOf(flags);
  const positional = argsOf(args, flags.args);
  const timeout = numberOf("--timeout", flags.timeout);
  const app = await context.loadApp();
  try {
    const handle = await app.send(name, positional, options);
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
  readonly args?: string;
  readonly kwargs?: string;
  readonly queue?: string;
  readonly routingKey?: string;
  readonly exchange?: string;
  readonly serializer?: string;
  readonly countdown?: string;
  readonly eta?: string;
  readonly expires?: string;
  readonly priority?: string;
  readonly wait?: true;
  readonly timeout?: string;
}

function sendOptionsOf(flags: CallFlags): SendOptions {
  const options: { [K in keyof SendOptions]: SendOptions[K] | undefined } = {
    kwargs: flags.kwargs === undefined ? undefined : keywordArguments(flags.kwargs),
    queue: queueOf(flags),
    countdown: durationOf("--countdown", flags.countdown),
    eta: flags.eta === undefined ? undefined : momentOf("--eta", flags.eta),
    expires: isMoment(flags.expires) ? new Date(momentOf("--expires", flags.expires)) : durationOf("--expires", flags.expires),
    priority: wholeOf("--priority", flags.priority, 0, leastUrgent),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as SendOptions;
}

/** Celery's workers know exchanges, and route by them; what is sent from here goes to a queue. */
function queueOf({ queue, routingKey, exchange, serializer }: CallFlags): string | undefined {
  if (serializer !== undefined && serializer !== "json") throw usage(`--serializer takes json, got "${serializer}": nothing else is sent.`);
  if (exchange !== undefined && exchange !== "")
    throw usage(`--exchange takes "" (the default exchange), got "${exchange}": name the queue that is bound to it with --queue.`);
  if (queue !== undefined && routingKey !== undefined && queue !== routingKey)
    throw usage(`--queue is "${queue}" and --routing-key "${routingKey}": a task goes to one queue.`);
  return queue ?? routingKey;
}

const isMoment = (text: string | undefined): text is string => text !== undefined && /^\d{4}-/.test(text);

/** Text without an offset means UTC to one and the wall clock to another. */
function momentOf(flag: string, text: string): string {
  if (/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw usage(`${flag} takes a moment with its offset such as 2030-01-02T03:04:05+00:00, got "${text}".`);
}

function argsOf(words: readonly string[], array: string | undefined): readonly unknown[] {
  if (array === undefined) return words.map(jsonOrText);
  const value = jsonOrText(array);
  if (!Array.isArray(value)) throw usage(`--args takes a JSON array such as '[2, 3]', got ${array}.`);
  if (words.length > 0) throw usage(`Arguments stand after the task's name or in --args, not in both: "${words[0]}" is too much.`);
  return value;
}

function keywordArguments(text: string): Readonly<Record<string, unknown>> {
  const value = jsonOrText(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw usage(`--kwargs takes a JSON object such as '{"x": 1}', got ${text}.`);
}

const usage = (text: string): UsageError => new UsageError("LOVAGE_USAGE", text);
