/** What a runner lends to one run: its delivery, its abort signal, and the fenced ways out. Made by `worker/runner`, per run. */
import type { Logger } from "../kernel/logger.ts";
import type { DeliveryId, Publication, ResultRecord } from "../message/commit.ts";
import type { TaskId } from "../message/task-message.ts";
import type { TraceContext } from "../message/trace-context.ts";

export interface RunControls {
  readonly delivery: DeliveryId;
  /** As Python sees it: `celery@host`. */
  readonly nodeName: string;
  readonly pid: number;
  /** Aborts on soft limit, cancel, shutdown and abandonment, with the error as its reason. A lazy getter: most runs never ask. */
  readonly signal: AbortSignal;
  /** Sees the abort flag in shared memory, so it works inside a loop that never awaits. */
  throwIfAborted(): void;
  /** Sends from inside the run. @throws {FencedError} once the run is no longer ours. */
  publish(publication: Publication): Promise<void>;
  /** @throws {FencedError} once the run is over or no longer ours. */
  mustLive(): void;
  /** What follows from it belongs to this trace. */
  handOn(trace: TraceContext): void;
  /** Never blocks and never throws; the runner gathers entries and writes them to the log `progress/<rootId>`. */
  progress(entry: ProgressEntry): void;
  /** `line`: a `ProgressEntry` with an event, as JSON. Never rejects. Resolves when it is written (true) or dropped (false). */
  emit(from: { readonly taskId: TaskId; readonly rootId: TaskId }, line: string): Promise<boolean>;
  /** A custom state of the live delivery; never after an end state. */
  setState(record: ResultRecord): Promise<void>;
  readonly log: Logger;
  /** Awaits a child task: the slot is not counted as taken meanwhile. */
  suspend<T>(work: Promise<T>): Promise<T>;
}

/** One line of the progress log, kept as JSON. */
export interface ProgressEntry {
  readonly taskId: TaskId;
  readonly rootId: TaskId;
  readonly task: string;
  /** 0 to 1; null: not known. */
  readonly fraction: number | null;
  readonly message: string | null;
  readonly data?: unknown;
  /** The name of an event that the task emitted: `data` is its own, and fraction and message are null. */
  readonly event?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The state log of a workflow's progress and events; the whole workflow writes to its root's. */
export const progressLog = (rootId: TaskId): string => `progress/${rootId}`;
export const progressLogLimits = { keep: 500, expiresMs: 86_400_000 } as const;
