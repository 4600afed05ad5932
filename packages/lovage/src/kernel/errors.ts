/**
 * The errors of Lovage, as one small tree. An error has a stable `code`, the facts as `details`, and says what we were
 * doing, what we got, what was allowed and what to do. Recognise one with `isLovageError(e, code)`, never by class: errors
 * cross threads, processes and duplicate copies of this package.
 *
 *   LovageError
 *   ├─ ConfigError               a setting, option or definition is wrong (exit 78)
 *   ├─ UsageError                a call or a command line is wrong (exit 64)
 *   ├─ MessageError              bytes from outside that are not what they should be
 *   ├─ SerializationError        a value that cannot go on the wire
 *   ├─ BrokerUnavailableError    the store did not answer within the deadline (exit 69)
 *   ├─ StoreRefusedError         the store answered, and said no for good
 *   ├─ FencedError               the epoch or delivery is no longer ours
 *   ├─ TaskError                 how a run ended, as its caller sees it
 *   │  ├─ SoftTimeLimitError     ├─ TimeLimitError   ├─ WorkerLostError
 *   │  ├─ TaskRevokedError       ├─ ChordError       ├─ RetriesExhaustedError
 *   │  ├─ NotRegisteredError     └─ RemoteError      any other exception of a task
 *   └─ WaitTimeoutError          `get()` reached its deadline; the task goes on
 */
const brand = Symbol.for("lovage.error");

export type ErrorCode = `LOVAGE_${string}`;
export type ErrorDetails = Readonly<Record<string, unknown>>;

export class LovageError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True for an error of this library, of whichever copy of it; with `code`, only for that one. */
export function isLovageError(error: unknown, code: "LOVAGE_TASK_FAILED"): error is RemoteError;
export function isLovageError(error: unknown, code?: ErrorCode): error is LovageError;
export function isLovageError(error: unknown, code?: ErrorCode): error is LovageError {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || (error as LovageError).code === code;
}

export class ConfigError extends LovageError {}
export class UsageError extends LovageError {}
export class MessageError extends LovageError {}
export class SerializationError extends LovageError {}
export class StoreRefusedError extends LovageError {}
export class FencedError extends LovageError {}
export class WaitTimeoutError extends LovageError {}

/** `details.maybeAccepted`: the store may have taken the message; `details.taskIds`: ids for a safe second try. */
export class BrokerUnavailableError extends LovageError {}

export class TaskError extends LovageError {}
export class SoftTimeLimitError extends TaskError {}
export class TimeLimitError extends TaskError {}
export class WorkerLostError extends TaskError {}
export class TaskRevokedError extends TaskError {}
export class ChordError extends TaskError {}
export class RetriesExhaustedError extends TaskError {}
export class NotRegisteredError extends TaskError {}
/** What its worker wrote about an exception. */
export interface RemoteDetails extends ErrorDetails {
  readonly taskId: string;
  /** The exception's class, by its qualified name. */
  readonly type: string;
  /** Python's module of it; "lovage.js" for an error of JavaScript. */
  readonly module: string | null;
  readonly args: readonly unknown[];
  readonly traceback: string | null;
}

/** An exception of a task, read from its result. */
export class RemoteError extends TaskError {
  declare readonly details: RemoteDetails;
}
