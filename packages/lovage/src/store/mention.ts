import type { TaskId } from "../message/task-message.ts";

/** How the bytes of a message name a task, its own or another (root, parent); null: it may be written in several ways. */
export const mention = (task: TaskId): string | null => (/^[\w.:-]+$/.test(task) ? `"${task}"` : null);
