/** What became of a task, as one entry of the log of transitions: written in the commit that made it true. */
import type { QueueName, TaskId } from "./task-message.ts";

export interface Transition {
  readonly taskId: TaskId;
  readonly task: string;
  /** Celery's states, and REPLACED, REJECTED and IGNORED. */
  readonly state: string;
  /** Milliseconds since 1970, of the node that committed it. */
  readonly at: number;
  readonly queue: QueueName;
  /** The node's name. */
  readonly node: string;
  /** Retries before this run. */
  readonly retries: number;
  readonly rootId: TaskId;
  readonly parentId: TaskId | null;
  /** Milliseconds it ran; absent: it never did. */
  readonly runtimeMs?: number;
  /** Why it is a dead letter now. */
  readonly deadLetter?: string;
}

/** The capped log that they stand in, in the broker's store. */
export const transitionsLog = "transitions";
