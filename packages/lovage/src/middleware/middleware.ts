/**
 * Hooks around publishing and executing. For what users may want to change: tracing, retry policy, checks. Commit, lease,
 * prefetch, limits and cancel are not up for change; they are the promise.
 */
import type { Outcome } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { TraceContext } from "../message/trace-context.ts";
import type { AnyTask } from "../task/task-definition.ts";

/** One run, as middleware sees it. */
export interface Execution {
  readonly message: TaskMessage;
  readonly task: AnyTask;
  /** What the handler threw, as it was; undefined before `next()` and after a success. */
  readonly error: unknown;
  /** What it sends, and what follows from it, is part of this trace, in place of the one it came with. */
  handOn(trace: TraceContext): void;
}

export interface Middleware {
  readonly name: string;
  /** Cheap and synchronous. false: this middleware is not asked about this message. Absent: always asked. */
  concerns?(message: TaskMessage, task: AnyTask | undefined): boolean;
  /** Around one message on its way out. `next` may take a changed copy; not calling it drops the message. */
  publish?(outgoing: TaskMessage, next: (changed?: TaskMessage) => Promise<void>): Promise<void>;
  /** Around one run. The outcome returned is the one that counts. */
  execute?(run: Execution, next: () => Promise<Outcome>): Promise<Outcome>;
}
