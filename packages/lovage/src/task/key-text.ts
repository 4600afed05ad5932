/** What a key function of a task may give. */
import { UsageError } from "../kernel/errors.ts";

/** @throws {UsageError} LOVAGE_LIMIT_KEY_INVALID for what would make one key of all calls: undefined, a promise, an object. */
export function keyText(task: string, option: string, value: unknown): string {
  if ((typeof value === "string" && value !== "") || (typeof value === "number" && !Number.isNaN(value)) || typeof value === "boolean")
    return String(value);
  throw new UsageError(
    "LOVAGE_LIMIT_KEY_INVALID",
    `Task "${task}": the function ${option} gave ${shown(value)} for a call: expected text that is not empty, a number or a boolean, and no promise of one.`,
    { details: { task, option } },
  );
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? `an object (${Object.prototype.toString.call(value).slice(8, -1)})` : String(value);
}
