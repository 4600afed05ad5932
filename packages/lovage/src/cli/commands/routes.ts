/** `lovage routes explain NAME`: where a call goes, which rule says so, and whether anybody takes it there. */
import type { App } from "../../app/app.ts";
import { decideRoute, type RouteRule } from "../../app/routes.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { numberOf, wholeOf } from "../flags.ts";
import { facts, print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage routes explain photos.segment -A app.ts",
  "lovage routes explain photos.segment -A app.ts --args '[42]' --kwargs '{\"fast\": true}' --json",
  "lovage routes explain photos.segment -A app.ts --queue slow --priority 9",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<action>", "explain")
    .argument("<name>", "name of a task")
    .option("--args <json>", "its positional arguments, for routes that look at them", "[]")
    .option("--kwargs <json>", "its keyword arguments", "{}")
    .option("--queue <queue>", "as the call's own option")
    .option("--priority <number>", "as the call's own option")
    .option("-t, --timeout <seconds>", "how long Python's nodes get to say what they consume", "1");

interface RoutesFlags {
  readonly args: string;
  readonly kwargs: string;
  readonly queue?: string;
  readonly priority?: string;
  readonly timeout: string;
}

export const run: CommandModule["run"] = async (context, [action = "", name = ""], flags: RoutesFlags) => {
  if (action !== "explain") throw new UsageError("LOVAGE_USAGE", `routes can explain; it cannot "${action}".`);
  const args = jsonOf<readonly unknown[]>("--args", flags.args, Array.isArray, "a JSON list");
  const kwargs = jsonOf<Readonly<Record<string, unknown>>>("--kwargs", flags.kwargs, isObject, "a JSON object");
  const app = await context.loadApp();
  try {
    const decided = decideRoute(app.config, app.registry, { name, args, kwargs });
    const queue = flags.queue ?? decided.queue;
    const priority = flags.priority === undefined ? decided.priority : wholeOf("--priority", flags.priority, 0, 255);
    const queueBy = flags.queue === undefined ? saidOf(decided.queueBy) : atTheCall;
    const priorityBy = flags.priority === undefined ? saidOf(decided.priorityBy) : atTheCall;
    const { taskQueues } = app.config;
    const declared = taskQueues === null || taskQueues.includes(queue);
    const consumers = await consumersOf(app, queue, numberOf("--timeout", flags.timeout) * 1000);
    const route = { task: name, queue, exchange: "", routingKey: queue, priority, queueBy, priorityBy, declared, consumers };
    print(context.output, route, () =>
      facts([
        ["task", app.registry.get(name) === undefined ? `${name} (this app does not define it)` : name],
        ["queue", `${queue}, by ${queueBy}`],
        ["priority", `${priority}, by ${priorityBy}`],
        ["exchange", `the default one, routing key ${queue}`],
        ...(declared ? [] : [["declared", `no: taskQueues has ${taskQueues.join(", ")}, so the send is refused`] as const]),
        ["consumed by", consumers.length > 0 ? consumers.join(", ") : "nobody that is up"],
      ]),
    );
    return consumers.length > 0 && declared ? 0 : 1;
  } finally {
    await app.close();
  }
};

const atTheCall = "the call's own option";

function saidOf(rule: RouteRule): string {
  if (rule.rule === "task") return "the task's own option";
  if (rule.rule === "default") return "the default";
  const entry = `taskRoutes[${rule.entry}]`;
  return rule.rule === "table" ? `${entry}, "${rule.pattern}"` : `${entry}, the function ${rule.name}`;
}

/** Ours by their presence, Python's by their answers. */
async function consumersOf(app: App, queue: string, timeoutMs: number): Promise<readonly string[]> {
  const [store, answers] = [await app.store(), await app.control.inspect("active_queues", {}, { timeoutMs })];
  const { nodes } = await store.leases.fleet();
  const ours = nodes.map(({ info }) => info);
  const known = new Set(ours.map(({ name }) => name));
  const python = Object.entries(answers).filter(
    ([name, queues]) => !known.has(name) && Array.isArray(queues) && queues.some((each: { readonly name: string }) => each.name === queue),
  );
  return [...ours.filter(({ queues }) => queues.includes(queue)).map(({ name }) => name), ...python.map(([name]) => name)];
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

function jsonOf<T>(flag: string, text: string, fits: (value: unknown) => boolean, takes: string): T {
  try {
    const value: unknown = JSON.parse(text);
    if (fits(value)) return value as T;
  } catch {
    // Said below.
  }
  throw new UsageError("LOVAGE_USAGE", `${flag} takes ${takes}, got ${text}`);
}
