/** Outcomes that no run reports: what became of a message, said in Celery's exceptions (celery-wire.md §5.3). Pure. */
import {
  isLovageError,
  type LovageError,
  MessageError,
  NotRegisteredError,
  StoreRefusedError,
  TimeLimitError,
  WorkerLostError,
} from "../kernel/errors.ts";
import { toExceptionRecord } from "../message/exceptions.ts";
import type { FailureCause, Outcome } from "../message/outcome.ts";

export type Failure = Extract<Outcome, { readonly kind: "failure" }>;

/** `traceback` is null where no code of the task is to blame, as in Celery. */
export function failure(error: unknown, cause: FailureCause, withTraceback = false): Failure {
  const record = toExceptionRecord(error);
  return { kind: "failure", error: record.error, traceback: withTraceback ? record.traceback : null, children: [], cause };
}

export const notRegistered = (task: string): Failure =>
  failure(
    new NotRegisteredError("LOVAGE_NOT_REGISTERED", `No worker of this queue knows a task named "${task}".`, { details: { task } }),
    "not-registered",
  );

export const timeLimitExceeded = (seconds: number): Failure =>
  failure(
    new TimeLimitError("LOVAGE_TIME_LIMIT", `The task ran over its time limit of ${seconds} s.`, { details: { seconds } }),
    "time-limit",
  );

export const workerLost = (reason: string, cause: "worker-lost" | "out-of-memory" = "worker-lost"): Failure =>
  failure(new WorkerLostError("LOVAGE_WORKER_LOST", reason, { details: { reason } }), cause);

export const undecodable = (error: unknown): Failure => failure(asMessageError(error), "undecodable");

/** The store took this outcome in no form: too large, or a key of another type stands in its way. */
export const refused = (code: string, message: string): Failure =>
  failure(new StoreRefusedError(code as LovageError["code"], message), code.includes("TOO_LARGE") ? "too-large" : "unencodable-result");

const asMessageError = (error: unknown): LovageError =>
  isLovageError(error) ? error : new MessageError("LOVAGE_MESSAGE_INVALID", `Cannot read the message: ${String(error)}`, { cause: error });
