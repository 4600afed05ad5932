/** Reads the arguments of a command, which anybody may have written. All functions throw `BadArgument` for what they cannot use. */
import type { Arguments } from "./command.ts";

/** Told to the caller in Python's words for it. */
export class BadArgument extends Error {
  override readonly name = "TypeError";
}

/** Longer names and longer lists are nobody's honest wish. */
const mostCharacters = 1024;
const mostValues = 100_000;

const said = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 100);
const refuse = (name: string, expected: string, value: unknown): never => {
  throw new BadArgument(value === undefined ? `missing argument: ${name}` : `${name} has to be ${expected}, not ${said(value)}`);
};

const isText = (value: unknown): value is string => typeof value === "string" && value !== "" && value.length <= mostCharacters;

export function textOf(args: Arguments, name: string): string {
  const value = args[name];
  return isText(value) ? value : refuse(name, "text", value);
}

/** undefined: absent, null or empty. */
export function optionalText(args: Arguments, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null || value === "" ? undefined : textOf(args, name);
}

/** One text or a list of them. */
export function textsOf(args: Arguments, name: string): readonly string[] {
  const value = args[name];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.length <= mostValues && values.every(isText) ? values : refuse(name, "text or a list of texts", value);
}

/** undefined: absent or null. */
export function optionalTexts(args: Arguments, name: string): readonly string[] {
  return args[name] === undefined || args[name] === null ? [] : textsOf(args, name);
}

/** undefined: absent or null. */
export function optionalWhole(args: Arguments, name: string): number | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : refuse(name, "a whole number", value);
}

/** Seconds above 0; null: absent, null or 0. */
export function secondsOf(args: Arguments, name: string): number | null {
  const value = args[name];
  if (value === undefined || value === null || value === 0) return null;
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : refuse(name, "seconds", value);
}

/** Python's callers say 1 and 0 too: Flower does. */
export function flagOf(args: Arguments, name: string): boolean {
  const value = args[name];
  if (value === undefined || value === null) return false;
  return typeof value === "boolean" || value === 0 || value === 1 ? Boolean(value) : refuse(name, "true or false", value);
}
