/** All commands by Celery's names (celery-wire.md §10.4, §10.5). What is not in here may be a command of the app's own. */
import type { Command } from "./command.ts";
import { eventCommands } from "./events.ts";
import { nodeCommands } from "./node.ts";
import { poolCommands } from "./pool.ts";
import { queueCommands } from "./queues.ts";
import { refusalCommands } from "./refusals.ts";
import { taskCommands } from "./tasks.ts";
import { workCommands } from "./work.ts";

export const commands: ReadonlyMap<string, Command> = new Map(
  [nodeCommands, workCommands, taskCommands, poolCommands, queueCommands, refusalCommands, eventCommands].flatMap(Object.entries),
);
