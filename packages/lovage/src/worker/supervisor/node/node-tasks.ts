/** The tasks of a node by name, with what Celery's tools may ask about them. */
import type { ResolvedConfig } from "../../../app/config.ts";
import type { NodeTasks } from "../../../control/node-view.ts";
import type { Rate } from "../../../kernel/rate.ts";
import type { Registry } from "../../../task/registry.ts";
import type { AnyTask } from "../../../task/task-definition.ts";
import type { TaskLimitChanges } from "../task-limit-changes.ts";

export interface NodeTasksOptions {
  readonly registry: Registry;
  readonly config: ResolvedConfig;
  readonly changes: TaskLimitChanges;
}

export function nodeTasks({ registry, config, changes }: NodeTasksOptions): NodeTasks {
  return {
    registered: () => new Map(registry.all().map((task) => [task.name, attributesOf(task, config, changes)])),
    limitRate: (task, rate) => changes.limitRate(task, rate),
    limitTime: (task, limits) => changes.limitTime(task, limits),
  };
}

/** By the names of Celery's `Task`; null: not set. */
function attributesOf(task: AnyTask, config: ResolvedConfig, changes: TaskLimitChanges): Readonly<Record<string, unknown>> {
  const { name, settings } = task;
  const told = changes.timeOf(name);
  const rate = changes.rateOf(name);
  return {
    name,
    rate_limit: rate === undefined ? declaredRate(task, config) : rate,
    queue: settings.queue,
    priority: settings.priority ?? config.taskDefaultPriority,
    time_limit: told?.hard ?? settings.timeLimit ?? config.taskTimeLimit,
    soft_time_limit: told?.soft ?? settings.softTimeLimit ?? config.taskSoftTimeLimit,
    acks_late: settings.acksLate ?? config.taskAcksLate,
    ignore_result: settings.ignoreResult ?? config.taskIgnoreResult,
    store_errors_even_if_ignored: config.taskStoreErrorsEvenIfIgnored,
    track_started: settings.trackStarted ?? config.taskTrackStarted,
    expires: settings.expires,
    serializer: "json",
  };
}

/** Only what is each node's own is Celery's `rate_limit`. */
const declaredRate = ({ settings: { limits } }: AnyTask, config: ResolvedConfig): Rate | null =>
  limits?.rates == null ? config.taskDefaultRateLimit : (limits.rates.find(({ scope }) => scope === "node")?.limit ?? null);
