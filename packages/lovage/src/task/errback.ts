/** What an errback of the new style is told: more than the id that Celery sends to any other task. */
import type { TaskError } from "../kernel/errors.ts";
import type { TaskId } from "../message/task-message.ts";

/**
 * The task that failed. All but `id` is null where a worker of the other side reports it, which sends the id alone; arguments
 * are null too where they are larger than 64 KiB.
 */
export interface FailedRequest {
  readonly id: TaskId;
  readonly task: string | null;
  readonly args: readonly unknown[] | null;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly retries: number | null;
  readonly rootId: TaskId | null;
  readonly parentId: TaskId | null;
  readonly groupId: string | null;
  /** The node where it failed. */
  readonly hostname: string | null;
  /** The user's own headers. */
  readonly headers: Readonly<Record<string, unknown>> | null;
}

export type ErrbackArgs = readonly [request: FailedRequest, error: TaskError, traceback: string | null];
