/** The tasks of a node by name, with what Celery's tools may ask about them. */

import type { ResolvedConfig } from "../../../app/config.ts";
import type { NodeTasks } from "../../../control/node-view.ts";
import type { Registry } from "../../../task/registry.ts";
import type { AnyTask } from "../../../task/task-definition.ts";

export interface NodeTasksOptions {
  readonly registry: Registry;
  readonly config: () => ResolvedConfig;
}

export function nodeTasks({ registry, config }: NodeTasksOptions): NodeTasks {
  return {
    registered: () => new Map(registry.all().map((task) => [task.name, attributesOf(task, config())])),
    limitRate: () => Promise.reject(new Error("not yet")),
    limitTime: () => {
      throw new Error("not yet");
    },
  };
}

function attributesOf({ name, settings }: AnyTask, config: ResolvedConfig): Readonly<Record<string, unknown>> {
  return {
    name,
    queue: settings.queue,
    priority: settings.priority ?? config.taskDefaultPriority,
    time_limit: settings.timeLimit === undefined ? config.taskTimeLimit : settings.timeLimit,
    soft_time_limit: settings.softTimeLimit === undefined ? config.taskSoftTimeLimit : settings.softTimeLimit,
    acks_late: settings.acksLate ?? config.taskAcksLate,
    ignore_result: settings.ignoreResult ?? config.taskIgnoreResult,
    track_started: settings.trackStarted ?? config.taskTrackStarted,
    expires: settings.expires,
    serializer: "json",
  };
}
