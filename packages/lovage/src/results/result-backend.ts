/** The seam of results: documents of Celery's `celery-task-meta-<id>` kind. Runners write them by commits, not here. */
import type { ResultRecord } from "../message/commit.ts";
import type { TaskId } from "../message/task-message.ts";

export interface ResultDocument {
  readonly taskId: TaskId;
  /** JSON text as stored. */
  readonly document: string;
}

export interface ResultListener {
  saw(found: ResultDocument): void;
  /** Nothing more will be seen: the store was closed (undefined), or cannot be watched. At most once. */
  ended(error: unknown): void;
}

export interface ResultBackend {
  /** Never over a stored SUCCESS; announces each. */
  store(batch: readonly ResultRecord[]): Promise<void>;
  load(ids: readonly TaskId[]): Promise<readonly (ResultDocument | undefined)[]>;
  /** Shows what is stored now and each later write, until the function returned is called. Listens first, then reads: nothing falls between. */
  watch(ids: readonly TaskId[], listener: ResultListener): () => void;
  /**
   * What the message of this task is to name as its `replyTo`, so that its result may be here before a watch has asked for it;
   * undefined: nothing.
   */
  replyTo?(id: TaskId): string | undefined;
  forget(ids: readonly TaskId[]): Promise<void>;
  /** `celery-taskset-meta-<group id>`: a saved group's result tuple as JSON text. */
  saveGroup(groupId: string, document: string, expiresMs: number | null): Promise<void>;
  loadGroup(groupId: string): Promise<string | undefined>;
  forgetGroup(groupId: string): Promise<void>;
}
