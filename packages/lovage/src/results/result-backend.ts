/** The seam of results: documents of Celery's `celery-task-meta-<id>` kind. Runners write them by commits, not here. */
import type { ResultRecord } from "../message/commit.ts";
import type { TaskId } from "../message/task-message.ts";

export interface ResultDocument {
  readonly taskId: TaskId;
  /** JSON text as stored. */
  readonly document: string;
}

export interface ResultBackend {
  /** Never over a stored SUCCESS; announces each. */
  store(batch: readonly ResultRecord[]): Promise<void>;
  load(ids: readonly TaskId[]): Promise<readonly (ResultDocument | undefined)[]>;
  /** What is stored now and each later write, until `signal` aborts. Listens first, then reads, so nothing falls between. */
  watch(ids: readonly TaskId[], signal: AbortSignal): AsyncIterable<ResultDocument>;
  forget(ids: readonly TaskId[]): Promise<void>;
  /** `celery-taskset-meta-<group id>`: a saved group's result tuple as JSON text. */
  saveGroup(groupId: string, document: string, expiresMs: number | null): Promise<void>;
  loadGroup(groupId: string): Promise<string | undefined>;
}
