/** The `celery-task-meta` document: how a run ended, for whoever asks. celery-wire.md §5.2. */
import { isLovageError, MessageError } from "../kernel/errors.ts";
import { isFields, kindOf } from "./envelope.ts";
import { parseWireJson, quoteText, type StringifyOptions, stringifyWireJson } from "./json.ts";
import type { ResultTuple, StoredResult, TaskState } from "./outcome.ts";
import type { TaskId } from "./task-message.ts";
import { formatWireTime } from "./wire-time.ts";

export interface ResultFields {
  readonly taskId: TaskId;
  readonly state: TaskState;
  /** The return value; an `ExceptionRecord` for RETRY, FAILURE, REVOKED; `{ pid, hostname }` for STARTED; else the state's own meta. */
  readonly result: unknown;
  /** `result` as JSON text, where the caller has it already (a chord member writes it twice). */
  readonly resultJson?: string | undefined;
  readonly traceback?: string | null | undefined;
  /** null only where it is written outside of a run. Absent: []. */
  readonly children?: readonly ResultTuple[] | null | undefined;
  /** Milliseconds since 1970; written for SUCCESS, FAILURE and REVOKED only. */
  readonly doneAtMs: number;
  readonly groupId?: string | null;
  readonly parentId?: string | null;
  /** Celery's `result_extended`. */
  readonly extended?: ExtendedResult | undefined;
}

export interface ExtendedResult {
  /** null, with `args` and `kwargs`, where the message was not read (Celery: an unknown task). */
  readonly name: string | null;
  readonly args: readonly unknown[] | null;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  /** Node name. */
  readonly worker: string | null;
  readonly retries: number;
  /** Routing key. */
  readonly queue: string | null;
  readonly stampedHeaders?: readonly string[] | null;
  readonly stamps?: Readonly<Record<string, unknown>>;
}

/** SUCCESS, FAILURE, REVOKED: nothing comes after. */
export function isReady(state: TaskState): boolean {
  return state === "SUCCESS" || state === "FAILURE" || state === "REVOKED";
}

/**
 * Keys in Celery's order.
 * @throws {SerializationError} LOVAGE_NOT_SERIALIZABLE when the result, or an argument in `extended`, can't go
 */
export function encodeResult(fields: ResultFields, options?: StringifyOptions): string {
  const { traceback, children, groupId, parentId, extended } = fields;
  const result = fields.resultJson ?? stringifyWireJson(fields.result, options);
  const done = isReady(fields.state) ? `"${formatWireTime(fields.doneAtMs)}"` : "null";
  const sent = children === undefined ? "[]" : children === null || children.length > 0 ? JSON.stringify(children) : "[]";
  return (
    `{"status": ${quoteText(fields.state)}, "result": ${result}, "traceback": ${traceback ? JSON.stringify(traceback) : "null"}, ` +
    `"children": ${sent}, "date_done": ${done}${groupId ? `, "group_id": ${quoteText(groupId)}` : ""}` +
    `${parentId ? `, "parent_id": ${quoteText(parentId)}` : ""}${extended === undefined ? "" : encodeExtended(extended, options)}` +
    `, "task_id": ${quoteText(fields.taskId)}}`
  );
}

function encodeExtended(extended: ExtendedResult, options: StringifyOptions | undefined): string {
  return (
    `, "name": ${JSON.stringify(extended.name)}, "args": ${stringifyWireJson(extended.args, options)}, "kwargs": ${stringifyWireJson(extended.kwargs, options)}, ` +
    `"worker": ${JSON.stringify(extended.worker)}, "retries": ${extended.retries}, "queue": ${JSON.stringify(extended.queue)}` +
    encodeStamps(extended, options)
  );
}

/** One key per stamp, beside the others: a stamp may not take the name of a field. */
function encodeStamps(extended: ExtendedResult, options: StringifyOptions | undefined): string {
  const { stamps, stampedHeaders } = extended;
  if (stamps === undefined || Object.keys(stamps).length === 0) return "";
  let text = `, "stamped_headers": ${JSON.stringify(stampedHeaders ?? Object.keys(stamps))}`;
  for (const key in stamps) if (!fieldNames.has(key)) text += `, ${JSON.stringify(key)}: ${stringifyWireJson(stamps[key], options)}`;
  return text;
}

const fieldNames = new Set(
  "status result traceback children date_done group_id parent_id name args kwargs worker retries queue stamped_headers task_id".split(" "),
);

/** Lenient about all but the two that say what it is. @throws {MessageError} LOVAGE_RESULT_INVALID */
export function decodeResult(text: string): StoredResult {
  const document = parseDocument(text);
  const state = document.status;
  const taskId = document.task_id;
  if (typeof state !== "string" || state === "") throw invalid(`its "status" is ${kindOf(state)}, not a state`);
  if (typeof taskId !== "string" || taskId === "") throw invalid(`its "task_id" is ${kindOf(taskId)}, not an id`);
  return {
    taskId,
    state,
    result: document.result ?? null,
    traceback: textOrNull(document.traceback),
    children: Array.isArray(document.children) ? (document.children as readonly ResultTuple[]) : null,
    dateDone: textOrNull(document.date_done),
    groupId: textOrNull(document.group_id),
    parentId: textOrNull(document.parent_id),
    document,
  };
}

function parseDocument(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseWireJson(text);
  } catch (cause) {
    throw invalid(isLovageError(cause) ? cause.message : String(cause), cause);
  }
  if (isFields(value)) return value;
  throw invalid(`it is ${kindOf(value)}, not an object`);
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function invalid(why: string, cause?: unknown): MessageError {
  return new MessageError("LOVAGE_RESULT_INVALID", `Cannot read a stored result: ${why}.`, { cause });
}
