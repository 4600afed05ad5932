/** Tasks that every worker has, because other sides send them by name (celery-wire.md §6.1). */
import { defineTask } from "../task/define-task.ts";
import type { AnyTask } from "../task/task-definition.ts";

/** The end of a group that replaces a task: gives the list of its results, or one of them (celery-wire.md §6.8). */
const accumulate = defineTask("celery.accumulate", { params: ["results", "index"] }, (results: unknown[]) => results);

export const builtInTasks: readonly AnyTask[] = [accumulate];
