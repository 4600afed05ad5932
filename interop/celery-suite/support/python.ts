/** What Python does and JavaScript does not: errors that its client takes for classes of its own, and `+`. */
import { RemoteError } from "lovage";

/** Fails a task as Python would: the client finds the class by module and name, and calls it with the arguments. */
export function pythonError(module: string, type: string, ...args: readonly unknown[]): RemoteError {
  return new RemoteError("LOVAGE_TASK_FAILED", `${type}(${args.map(String).join(", ")})`, { details: { module, type, args } });
}

export const expected = (...args: readonly unknown[]) => pythonError("t.integration.tasks", "ExpectedException", ...args);

/** Numbers, texts and lists, each with its own kind. */
export function plus(a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (typeof a === "number" && typeof b === "number") return a + b;
  throw pythonError("builtins", "TypeError", `unsupported operand type(s) for +: ${kind(a)} and ${kind(b)}`);
}

const kind = (value: unknown): string => (Array.isArray(value) ? "list" : value === null ? "None" : typeof value);

export const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);
