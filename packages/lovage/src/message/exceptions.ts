/**
 * Errors as data, both ways: what a run threw becomes the exception object of a result document, and back into one of our
 * `TaskError`s. Nothing is ever constructed by a name out of a message. celery-wire.md §5.3.
 */
import {
  ChordError,
  type ErrorDetails,
  isLovageError,
  type LovageError,
  NotRegisteredError,
  RemoteError,
  RetriesExhaustedError,
  SoftTimeLimitError,
  type TaskError,
  TaskRevokedError,
  TimeLimitError,
  WorkerLostError,
} from "../kernel/errors.ts";
import { stringifyWireJson } from "./json.ts";
import type { ExceptionRecord } from "./outcome.ts";
import { safeRepr } from "./repr.ts";
import { tracebackText } from "./traceback.ts";

/** A module that no Python process has loaded: its client then makes an exception class of that name (§5.3). */
export const foreignModule = "lovage.js";
const celery = "celery.exceptions";
const billiard = "billiard.exceptions";

/** Ours, by class name: classes of another copy of this package count too. Arguments as Python's class takes them. */
const outgoing: Readonly<Record<string, (error: LovageError) => ExceptionRecord>> = {
  SoftTimeLimitError: () => record("SoftTimeLimitExceeded", [], billiard),
  TimeLimitError: (error) => record("TimeLimitExceeded", [secondsOf(error)], billiard),
  WorkerLostError: (error) => record("WorkerLostError", [reasonOf(error)], billiard),
  TaskRevokedError: (error) => record("TaskRevokedError", [reasonOf(error)], celery),
  ChordError: (error) => record("ChordError", [reasonOf(error)], celery),
  RetriesExhaustedError: (error) => record("MaxRetriesExceededError", [reasonOf(error)], celery),
  NotRegisteredError: (error) => record("NotRegistered", [textIn(error.details, "task") ?? reasonOf(error)], celery),
  RemoteError: remoteRecord,
};

/**
 * Never throws, whatever was thrown. Read from `details` of our own errors: `reason` (revoked, lost, chord, retries; the
 * message where absent), `seconds` of a TimeLimitError, `task` of a NotRegisteredError, all of a RemoteError.
 */
export function toExceptionRecord(error: unknown): { readonly error: ExceptionRecord; readonly traceback: string } {
  try {
    const found = recordOf(error);
    return { error: found, traceback: tracebackText(error, found.exc_type) };
  } catch {
    const exc_message = ["An error that cannot be read: its own properties throw."];
    return {
      error: record("Error", exc_message, foreignModule),
      traceback: `Traceback (most recent call last):\nError: ${exc_message[0]}\n`,
    };
  }
}

/** Mistakes for which Python has a class that its callers catch. Message and code stay its arguments. */
const outgoingCodes: Readonly<Record<string, readonly [type: string, module: string]>> = {
  LOVAGE_ARGUMENTS_INVALID: ["TypeError", "builtins"],
  LOVAGE_REPLACE_INVALID: ["ImproperlyConfigured", celery],
};

function recordOf(error: unknown): ExceptionRecord {
  const known = isLovageError(error) ? outgoingCodes[error.code] : undefined;
  if (known !== undefined) return record(known[0], messageAndCode(error as Error), known[1]);
  if (isLovageError(error) && Object.hasOwn(outgoing, error.name))
    return (outgoing[error.name] as (e: LovageError) => ExceptionRecord)(error);
  if (isErrorLike(error)) return record(typeName(error), messageAndCode(error), foreignModule);
  return record("Error", [sendable(error)], foreignModule);
}

function isErrorLike(error: unknown): error is Error {
  return error instanceof Error || (typeof error === "object" && error !== null && "message" in error && "stack" in error);
}

/** The stable code, where an error has one, stands after the message: it is what a caller can tell errors apart by. */
function messageAndCode(error: Error): readonly string[] {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && code !== "" ? [String(error.message), code] : [String(error.message)];
}

/** `error.name`; the class where nobody set it. Python makes a class of this name. */
function typeName(error: Error): string {
  const own = typeof error.name === "string" ? error.name : "";
  const constructed = error.constructor?.name;
  const name = (own === "" || own === "Error") && typeof constructed === "string" && constructed !== "" ? constructed : own;
  const clean = name.replace(/[^\p{L}\p{N}_.$]/gu, "_").slice(0, 200);
  return clean === "" ? "Error" : clean;
}

function record(exc_type: string, exc_message: readonly unknown[], exc_module: string): ExceptionRecord {
  return { exc_type, exc_message, exc_module };
}

/** As it came from its worker, so that an error passed on by several tasks keeps its name. */
function remoteRecord(error: LovageError): ExceptionRecord {
  const { type, module, args } = error.details;
  if (typeof type !== "string" || type === "") return record("RemoteError", [error.message], foreignModule);
  return {
    exc_type: type,
    exc_message: Array.isArray(args) ? args.map(sendable) : [sendable(args)],
    exc_module: typeof module === "string" ? module : null,
  };
}

/** What can't go on the wire goes as text, as in Celery. */
function sendable(value: unknown): unknown {
  try {
    stringifyWireJson(value);
    return value ?? null;
  } catch {
    return safeRepr(value);
  }
}

function textIn(details: ErrorDetails, key: string): string | undefined {
  const value = details[key];
  return typeof value === "string" ? value : undefined;
}

function reasonOf(error: LovageError): string {
  return textIn(error.details, "reason") ?? error.message;
}

function secondsOf(error: LovageError): number | string {
  const { seconds } = error.details;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds : error.message;
}

/**
 * Names that Python's Celery gives mean ours; every other is a `RemoteError` with `details` `{ taskId, type, module, args,
 * traceback }`. Never throws: what is no exception object at all becomes a `RemoteError` of type "unknown".
 */
export function fromExceptionRecord(found: unknown, traceback: string | null, taskId: string): TaskError {
  const { type, module, args } = readRecord(found);
  const details = { taskId, type, module, args, traceback };
  const make = (module === celery || module === billiard) && Object.hasOwn(incoming, type) ? incoming[type] : undefined;
  if (make !== undefined) return make(details);
  return new RemoteError("LOVAGE_TASK_FAILED", `Task ${taskId} failed: ${errorText(type, module, args)}`, { details });
}

interface ReadDetails extends ErrorDetails {
  readonly taskId: string;
  readonly type: string;
  readonly module: string | null;
  readonly args: readonly unknown[];
  readonly traceback: string | null;
}
type Incoming = (details: ReadDetails) => TaskError;

const incoming: Readonly<Record<string, Incoming>> = {
  SoftTimeLimitExceeded: (d) =>
    new SoftTimeLimitError("LOVAGE_SOFT_TIME_LIMIT", `Task ${d.taskId} was stopped: it ran into its soft time limit.`, { details: d }),
  TimeLimitExceeded: (d) => {
    const seconds = d.args[0];
    const text = typeof seconds === "number" ? ` of ${seconds} s` : "";
    return new TimeLimitError("LOVAGE_TIME_LIMIT", `Task ${d.taskId} was killed: it ran over its time limit${text}.`, {
      details: { ...d, seconds },
    });
  },
  WorkerLostError: (d) =>
    new WorkerLostError("LOVAGE_WORKER_LOST", `Task ${d.taskId} failed: its worker was lost. ${reasonIn(d)}`, { details: withReason(d) }),
  TaskRevokedError: (d) =>
    new TaskRevokedError("LOVAGE_TASK_REVOKED", `Task ${d.taskId} did not run to its end: ${reasonIn(d)}.`, { details: withReason(d) }),
  ChordError: (d) =>
    new ChordError("LOVAGE_CHORD_FAILED", `Chord body ${d.taskId} did not run: ${reasonIn(d)}`, { details: withReason(d) }),
  MaxRetriesExceededError: (d) =>
    new RetriesExhaustedError("LOVAGE_RETRIES_EXHAUSTED", `Task ${d.taskId} failed for good: ${reasonIn(d)}`, { details: withReason(d) }),
  NotRegistered: (d) =>
    new NotRegisteredError("LOVAGE_NOT_REGISTERED", `Task ${d.taskId} failed: the worker knows no task named ${reasonIn(d)}.`, {
      details: { ...d, task: d.args[0] },
    }),
};

function reasonIn(details: ReadDetails): string {
  return details.args.map((arg) => (typeof arg === "string" ? arg : safeRepr(arg))).join(", ");
}

function withReason(details: ReadDetails): ErrorDetails {
  return { ...details, reason: reasonIn(details) };
}

function readRecord(found: unknown): { type: string; module: string | null; args: readonly unknown[] } {
  if (typeof found !== "object" || found === null) return { type: "unknown", module: null, args: found == null ? [] : [found] };
  const { exc_type, exc_message, exc_module } = found as Readonly<Record<string, unknown>>;
  return {
    type: typeof exc_type === "string" && exc_type !== "" ? exc_type : "unknown",
    module: typeof exc_module === "string" ? exc_module : null,
    args: Array.isArray(exc_message) ? exc_message : exc_message == null ? [] : [exc_message],
  };
}

function errorText(type: string, module: string | null, args: readonly unknown[]): string {
  const isCoded = typeof args[1] === "string" && args[1] in outgoingCodes;
  const ours = (module === foreignModule || isCoded) && args.length <= 2 && args.every((arg) => typeof arg === "string");
  const [message, code] = args;
  if (ours && message !== undefined) return `${type}: ${message}${code === undefined ? "" : ` [${code}]`}`;
  return `${type}(${args.map((arg) => safeRepr(arg)).join(", ")})`;
}

/** Python's `repr()` of the exception, as it stands in `Dependency <id> raised <repr>` (§7.4). */
export function reprException(found: unknown): string {
  const { type, args } = readRecord(found);
  return `${type.slice(type.lastIndexOf(".") + 1)}(${args.map((arg) => (typeof arg === "string" ? pythonString(arg) : safeRepr(arg))).join(", ")})`;
}

/** Python's own quoting: double quotes only around a text that has single ones and no double ones. */
function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")
    .replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}
