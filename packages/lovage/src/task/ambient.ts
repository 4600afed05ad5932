/**
 * The run that user code is in, found from anywhere below it. The storage hangs on globalThis under a registered symbol,
 * so that duplicate copies of this package (a task module loaded by jiti, say) see the same run.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Sender } from "./sender.ts";

/** As much of a run as sending needs. */
export interface AmbientRun {
  readonly sender: Sender;
}

const key = Symbol.for("lovage.currentRun");
const holder = globalThis as { [key]?: AsyncLocalStorage<AmbientRun> };
holder[key] ??= new AsyncLocalStorage<AmbientRun>();

/** Shared by all copies of this package in this thread. */
export const ambientRuns: AsyncLocalStorage<AmbientRun> = holder[key];
