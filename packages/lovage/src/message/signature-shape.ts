/** Signatures always carry their six keys: a Python worker fails a task whose callback lacks one. celery-wire.md §4.1, §6.1. */
import { MessageError } from "../kernel/errors.ts";
import { isFields, kindOf } from "./envelope.ts";
import type { Signature } from "./task-message.ts";

/** One level: what was left out gets its default, extra keys stay. @throws {MessageError} LOVAGE_BODY_INVALID */
export function readSignature(value: unknown, where: string): Signature {
  if (!isFields(value)) throw invalid(where, `it is ${kindOf(value)}, not an object`);
  const { task, args, kwargs, options } = value;
  if (typeof task !== "string" || task === "") throw invalid(where, `its "task" is ${kindOf(task)}, not a name`);
  if (args !== undefined && args !== null && !Array.isArray(args)) throw invalid(where, `its "args" are ${kindOf(args)}, not an array`);
  if (kwargs !== undefined && kwargs !== null && !isFields(kwargs))
    throw invalid(where, `its "kwargs" are ${kindOf(kwargs)}, not an object`);
  if (options !== undefined && options !== null && !isFields(options))
    throw invalid(where, `its "options" are ${kindOf(options)}, not an object`);
  return isComplete(value) ? (value as unknown as Signature) : completed(value as unknown as Signature);
}

/** null, one or many. */
export function readSignatures(value: unknown, where: string): readonly Signature[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [readSignature(value, where)];
  for (let i = 0; i < value.length; i++) value[i] = readSignature(value[i], where);
  return value;
}

function isComplete(signature: object): boolean {
  const { args, kwargs, options, subtask_type, immutable } = signature as Partial<Signature>;
  return args != null && kwargs != null && options != null && subtask_type !== undefined && typeof immutable === "boolean";
}

function completed(signature: Signature): Signature {
  return {
    ...signature,
    args: signature.args ?? [],
    kwargs: signature.kwargs ?? {},
    options: signature.options ?? {},
    subtask_type: signature.subtask_type ?? null,
    immutable: Boolean(signature.immutable),
  };
}

/** All levels, on the way out: signatures stand in options and in the kwargs of canvas. The same object when nothing lacked. */
export function completeSignature(signature: Signature): Signature {
  const whole = isComplete(signature) ? signature : completed(signature);
  const options = completeIn(whole.options, ["link", "link_error", "chord", "chain"]);
  const kwargs = whole.subtask_type === null ? whole.kwargs : completeIn(whole.kwargs, ["tasks", "header", "body", "task"]);
  return options === whole.options && kwargs === whole.kwargs ? whole : { ...whole, options, kwargs };
}

function completeIn<T extends Readonly<Record<string, unknown>>>(fields: T, keys: readonly string[]): T {
  let changed: Record<string, unknown> | undefined;
  for (const key of keys) {
    const value = fields[key];
    if (typeof value !== "object" || value === null) continue;
    const next = Array.isArray(value) ? completeAll(value) : looksLikeOne(value) ? completeSignature(value) : value;
    if (next === value) continue;
    changed ??= { ...fields };
    changed[key] = next;
  }
  return (changed as T | undefined) ?? fields;
}

function completeAll(values: readonly unknown[]): readonly unknown[] {
  const next = values.map((value) => (looksLikeOne(value) ? completeSignature(value) : value));
  return next.every((value, i) => value === values[i]) ? values : next;
}

function looksLikeOne(value: unknown): value is Signature {
  return isFields(value) && typeof value.task === "string";
}

function invalid(where: string, why: string): MessageError {
  return new MessageError("LOVAGE_BODY_INVALID", `Cannot read the signature in "${where}" of a message: ${why}.`);
}
