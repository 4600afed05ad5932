/** What the node has to do: runs, what it has received, what is not due. */
import { formatWireTime } from "../../message/wire-time.ts";
import { flagOf, textsOf } from "./arguments.ts";
import type { Call, CommandTable } from "./command.ts";
import { taskInfo } from "./task-info.ts";

/** Of Celery's timer, at which what is scheduled stands there. */
const timerPriority = 6;

export const workCommands: CommandTable = {
  active,
  dump_active: active,
  reserved,
  dump_reserved: reserved,
  scheduled,
  dump_schedule: scheduled,
  query_task: queryTask,
};

async function active({ node, arguments: args }: Call): Promise<unknown> {
  const safe = flagOf(args, "safe");
  return (await node.work.active()).map((run) => taskInfo(run, node.nodeName, safe));
}

async function reserved({ node }: Call): Promise<unknown> {
  return (await node.work.reserved()).map((task) => taskInfo(task, node.nodeName));
}

async function scheduled({ node }: Call): Promise<unknown> {
  return (await node.work.scheduled()).map((task) => ({
    eta: task.message.eta ?? formatWireTime(task.dueAt),
    priority: timerPriority,
    request: taskInfo(task, node.nodeName),
  }));
}

/** What is scheduled is "reserved", as in Celery; ids that are not here are left out. */
async function queryTask({ node, arguments: args }: Call): Promise<unknown> {
  const ids = new Set(textsOf(args, "ids"));
  const { work, nodeName } = node;
  // In the order of a task's way: one that goes on meanwhile is met further on.
  const parked = await work.scheduled();
  const waiting = await work.reserved();
  const runs = await work.active();
  const answer: Record<string, unknown> = {};
  for (const [state, tasks] of [["reserved", [...parked, ...waiting]] as const, ["active", runs] as const])
    for (const task of tasks) if (ids.has(task.message.id)) answer[task.message.id] = [state, taskInfo(task, nodeName)];
  return answer;
}
