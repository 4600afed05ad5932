/** `CANCELLING` is a state of our own side: Celery knows no such thing, so it is never stored as one (design.md §2, "Stopping one task"). */
import type { TaskId } from "../message/task-message.ts";

/** There while code runs that was told to stop. */
export const cancelNote = (id: TaskId): string => `cancelling/${id}`;
