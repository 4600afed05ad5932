/** One member's entry in a chord's `.j` set, as Python writes it: `[1, "<task id>", "SUCCESS", <result>]`. celery-wire.md §7.3. */
import { isLovageError, MessageError } from "../kernel/errors.ts";
import { parseWireJson, quoteText, type StringifyOptions, stringifyWireJson } from "./json.ts";
import type { TaskState } from "./outcome.ts";
import type { TaskId } from "./task-message.ts";

export interface ChordPartFields {
  readonly taskId: TaskId;
  readonly state: TaskState;
  /** The return value, or the `ExceptionRecord` of a member that failed. */
  readonly result: unknown;
}

/** `resultJson`: the result as JSON text, where the caller has it already. @throws {SerializationError} LOVAGE_NOT_SERIALIZABLE */
export function encodeChordPart(part: ChordPartFields & { readonly resultJson?: string }, options?: StringifyOptions): string {
  const result = part.resultJson ?? stringifyWireJson(part.result, options);
  return `[1, ${quoteText(part.taskId)}, ${quoteText(part.state)}, ${result}]`;
}

/** @throws {MessageError} LOVAGE_CHORD_PART_INVALID */
export function decodeChordPart(text: string): ChordPartFields {
  const value = parse(text);
  if (!Array.isArray(value) || value.length !== 4) throw invalid("it is no array of four");
  const [, taskId, state, result] = value as unknown[];
  if (typeof taskId !== "string" || taskId === "") throw invalid("its second element is no task id");
  if (typeof state !== "string" || state === "") throw invalid("its third element is no state");
  return { taskId, state, result };
}

function parse(text: string): unknown {
  try {
    return parseWireJson(text);
  } catch (cause) {
    throw invalid(isLovageError(cause) ? cause.message : String(cause), cause);
  }
}

function invalid(why: string, cause?: unknown): MessageError {
  return new MessageError(
    "LOVAGE_CHORD_PART_INVALID",
    `Cannot read the part of a chord member: ${why}. Expected [1, task id, state, result].`,
    {
      cause,
    },
  );
}
