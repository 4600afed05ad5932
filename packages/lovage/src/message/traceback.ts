/** The `traceback` text of a failure: Python's first line, then the JavaScript stack as it reads best, with its causes. */
import { isLovageError } from "../kernel/errors.ts";
import { safeRepr } from "./repr.ts";

const heading = "Traceback (most recent call last):\n";
/** A chain of causes may be endless or turn back on itself. */
const maxCauses = 10;
/** Characters. Stacks are short; messages need not be. */
const maxLength = 64 * 1024;

/** @param type the name to show where the error has no stack */
export function tracebackText(error: unknown, type: string): string {
  let text = heading + oneError(error, type);
  const seen = new Set<unknown>([error]);
  const causes = causesOf(error);
  for (let cause = causes.shift(); cause !== undefined && seen.size <= maxCauses; cause = causes.shift()) {
    if (seen.has(cause)) continue;
    seen.add(cause);
    text += `\nCaused by:\n\n${heading}${oneError(cause, "Error")}`;
    causes.unshift(...causesOf(cause));
  }
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}\n… (${text.length} characters)\n`;
}

function oneError(error: unknown, type: string): string {
  const remote = remoteText(error);
  const { stack, message } = isObject(error) ? (error as { stack?: unknown; message?: unknown }) : {};
  if (typeof stack === "string" && stack !== "") return `${stack.endsWith("\n") ? stack : `${stack}\n`}${remote}`;
  return `${type}: ${typeof message === "string" ? message : safeRepr(error)}\n${remote}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What the other worker saw, under what we saw. */
function remoteText(error: unknown): string {
  if (!isLovageError(error) || typeof error.details.traceback !== "string") return "";
  return `\nIn the worker:\n\n${error.details.traceback}`;
}

/** An `AggregateError` has several. */
function causesOf(error: unknown): unknown[] {
  if (!isObject(error)) return [];
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: unknown };
  return [...(cause === undefined || cause === null ? [] : [cause]), ...(Array.isArray(errors) ? errors.slice(0, maxCauses) : [])];
}
