/** Text of flags to values; what can't be read is a usage error that names the flag. */
import { UsageError } from "../kernel/errors.ts";

export function numberOf<T extends string | undefined>(flag: string, text: T): T extends string ? number : number | undefined;
export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new UsageError("LOVAGE_USAGE", `${flag} takes a number, got "${text}".`);
}

export function listOf(flag: string, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const items = text.split(",").map((item) => item.trim());
  const named = items.filter((item) => item !== "");
  if (named.length > 0) return named;
  throw new UsageError("LOVAGE_USAGE", `${flag} takes names separated by commas, got "${text}".`);
}

/** Seconds as Celery's flags have them, or text with a unit. */
export function durationOf(text: string | undefined): number | string | undefined {
  if (text === undefined) return undefined;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}
