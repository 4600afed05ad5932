/** The tasks that an app knows by name. */
import { ConfigError } from "../kernel/errors.ts";
import { type AnyTask, isTaskDefinition } from "./task-definition.ts";

export interface Registry {
  get(name: string): AnyTask | undefined;
  names(): readonly string[];
  all(): readonly AnyTask[];
}

/** Tasks under any keys, or as a list: the task's own name counts. */
export type TaskCollection = Readonly<Record<string, unknown>> | readonly AnyTask[];

/**
 * Takes modules of tasks as they are imported (`import * as tasks`): what is no task is left out.
 * @throws {ConfigError} LOVAGE_TASK_TWICE when two different tasks have one name.
 */
export function createRegistry(...collections: readonly TaskCollection[]): Registry {
  const tasks = new Map<string, AnyTask>();
  for (const task of collections.flatMap((collection) => Object.values(collection)).filter(isTaskDefinition)) {
    const known = tasks.get(task.name);
    if (known !== undefined && known !== task)
      throw new ConfigError("LOVAGE_TASK_TWICE", `Two different tasks are named "${task.name}": a message could mean either. Rename one.`, {
        details: { task: task.name },
      });
    tasks.set(task.name, task);
  }
  return { get: (name) => tasks.get(name), names: () => [...tasks.keys()].sort(), all: () => [...tasks.values()] };
}
