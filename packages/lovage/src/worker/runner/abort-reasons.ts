/** What a run's signal says when it aborts: one error per flag of the slot table. */
import { FencedError, LovageError, SoftTimeLimitError, TaskRevokedError } from "../../kernel/errors.ts";
import { type AbortFlag, abortFlag } from "../../pool/slot-table.ts";

export function abortReason(flag: AbortFlag, task: string, id: string): LovageError {
  const details = { task, id };
  switch (flag) {
    case abortFlag.softLimit:
      return new SoftTimeLimitError(
        "LOVAGE_SOFT_TIME_LIMIT",
        `Task ${task}[${id}] ran longer than its softTimeLimit. Clean up and return, or raise the limit.`,
        { details },
      );
    case abortFlag.cancelledSoftly:
      return new SoftTimeLimitError(
        "LOVAGE_SOFT_TIME_LIMIT",
        `Task ${task}[${id}] was asked to end softly (SIGUSR1). Clean up and return.`,
        {
          details,
        },
      );
    case abortFlag.cancelled:
      return new TaskRevokedError("LOVAGE_TASK_REVOKED", `Task ${task}[${id}] was cancelled while it ran.`, { details });
    case abortFlag.shutdown:
      return new LovageError(
        "LOVAGE_WORKER_SHUTDOWN",
        `The worker that runs ${task}[${id}] shuts down. The message goes back to its queue unless the run ends in time.`,
        { details },
      );
    default:
      return runIsOver(task, id);
  }
}

/** For whatever a run still tries after it was ended over its head, or after it returned. */
export const runIsOver = (task: string, id: string): FencedError =>
  new FencedError(
    "LOVAGE_RUN_OVER",
    `This run of ${task}[${id}] is over: it returned, or was ended by a limit, a cancel or a new owner. Nothing it does takes effect any more; stop.`,
    { details: { task, id } },
  );
