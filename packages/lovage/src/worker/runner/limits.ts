/** Time limits of a run: what its message says beats what the node was told, or its task says, which beats what the app says. Pure. */
import type { TaskMessage } from "../../message/task-message.ts";
import type { ChangedLimits } from "../../pool/protocol.ts";
import type { AnyTask } from "../../task/task-definition.ts";

/** Seconds; null: none. */
export interface AppLimits {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** Milliseconds from the start; 0: none, as the slot table has it. */
export const softLimitMs = (message: TaskMessage, task: AnyTask, app: AppLimits, changed?: ChangedLimits): number =>
  toMs(message.softTimeLimit, changed?.time ? (changed.time.soft ?? undefined) : task.settings.softTimeLimit, app.soft);

export const hardLimitMs = (message: TaskMessage, task: AnyTask, app: AppLimits, changed?: ChangedLimits): number =>
  toMs(message.timeLimit, changed?.time ? (changed.time.hard ?? undefined) : task.settings.timeLimit, app.hard);

/** A limit of 0 means none, as in Celery. A task's null says "none, whatever the app says". */
function toMs(ofMessage: number | null, ofTask: number | null | undefined, ofApp: number | null): number {
  const seconds = ofMessage ?? (ofTask === undefined ? ofApp : ofTask) ?? 0;
  return seconds > 0 ? seconds * 1000 : 0;
}
