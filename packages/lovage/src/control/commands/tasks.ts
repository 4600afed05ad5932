/** What is known of tasks by name, and their limits on this node. */
import { rateIntervalMs } from "../../kernel/rate.ts";
import { safeRepr } from "../../message/repr.ts";
import { BadArgument, flagOf, optionalTexts, secondsOf, textOf } from "./arguments.ts";
import { type Call, type CommandTable, nok, ok } from "./command.ts";

export const taskCommands: CommandTable = { registered, dump_tasks: registered, rate_limit: rateLimit, time_limit: timeLimit };

const defaultItems = ["exchange", "routing_key", "rate_limit"];

/** `celery.*` only when asked for. Attributes as Python's `str` has them; those that are not set are left out. */
function registered({ node, arguments: args }: Call): readonly string[] {
  const asked = optionalTexts(args, "taskinfoitems");
  const items = asked.length > 0 ? asked : defaultItems;
  const builtins = flagOf(args, "builtins");
  const tasks = [...node.tasks.registered()].filter(([name]) => builtins || !name.startsWith("celery."));
  return tasks
    .map(([name, attributes]) => {
      const found = items.filter((item) => Object.hasOwn(attributes, item) && attributes[item] !== null);
      const said = found.map((item) => `${item}=${pythonStr(attributes[item])}`);
      return said.length === 0 ? name : `${name} [${said.join(" ")}]`;
    })
    .sort();
}

const pythonStr = (value: unknown): string => (typeof value === "string" ? value : safeRepr(value));

async function rateLimit({ node, arguments: args }: Call): Promise<unknown> {
  const task = textOf(args, "task_name");
  const rate = args.rate_limit ?? null;
  if (rate !== null && typeof rate !== "string" && typeof rate !== "number")
    throw new BadArgument(`rate_limit has to be a number or text, not ${JSON.stringify(rate)?.slice(0, 100)}`);
  const intervalMs = rate === null || rate === "" ? null : rateIntervalMs(rate);
  if (intervalMs === undefined) return nok(`Invalid rate limit string: ValueError("could not convert string to float: ${safeRepr(rate)}")`);
  if (!(await node.tasks.limitRate(task, intervalMs === null ? null : rate))) return nok("unknown task");
  return ok(intervalMs === null ? "rate limit disabled successfully" : "new rate limit set successfully");
}

async function timeLimit({ node, arguments: args }: Call): Promise<unknown> {
  const task = textOf(args, "task_name");
  const limits = { hard: secondsOf(args, "hard"), soft: secondsOf(args, "soft") };
  return (await node.tasks.limitTime(task, limits)) ? ok("time limits set successfully") : nok("unknown task");
}
