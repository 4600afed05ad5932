/**
 * The run that user code is in, found from anywhere below it. The storage hangs on globalThis under a registered symbol,
 * so that duplicate copies of this package (a task module loaded by jiti, say) see the same run.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Publication } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { Sender } from "./sender.ts";

/** As much of a run as sending and waiting need. */
export interface AmbientRun {
  readonly sender: Sender;
  readonly message: TaskMessage;
  /** Fenced: fails once the run is over or no longer ours. */
  publish(publication: Publication): Promise<void>;
  /** Fenced as `publish`, for what is sent another way. */
  mustLive(): void;
  /** What it sent stands in its result (celery-wire.md §5.2). */
  addChild(result: ResultTuple): void;
  /** Awaits a child: its slot is not counted as taken meanwhile. */
  suspend<T>(work: Promise<T>): Promise<T>;
}

const key = Symbol.for("lovage.currentRun");
const holder = globalThis as { [key]?: AsyncLocalStorage<AmbientRun> };
holder[key] ??= new AsyncLocalStorage<AmbientRun>();

/** Shared by all copies of this package in this thread. */
export const ambientRuns: AsyncLocalStorage<AmbientRun> = holder[key];
