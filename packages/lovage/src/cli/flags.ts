/** Text of flags to values; what can't be read is a usage error that names the flag, what it got and what it takes. */

import { durationSeconds, parseDurationMs } from "../kernel/durations.ts";
import { UsageError } from "../kernel/errors.ts";

const refuse = (flag: string, takes: string, text: string): never => {
  throw new UsageError("LOVAGE_USAGE", `${flag} takes ${takes}, got "${text}".`);
};

/** A finite number that is not negative. */
export function numberOf<T extends string | undefined>(flag: string, text: T): T extends string ? number : number | undefined;
export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && value >= 0 ? value : refuse(flag, "a number, 0 or more", text);
}

export function wholeOf<T extends string | undefined>(
  flag: string,
  text: T,
  least?: number,
  most?: number,
): T extends string ? number : number | undefined;
export function wholeOf(flag: string, text: string | undefined, least = 1, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return refuse(flag, `a whole number, ${range}`, text);
}

export const portOf = (text: string): number => wholeOf("--port", text, 0, 65_535);

export function listOf(flag: string, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const named = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return named.length > 0 ? named : refuse(flag, "names separated by commas", text);
}

/** Milliseconds of what `durationOf` takes. */
export function millisecondsOf(flag: string, text: string | undefined): number | undefined {
  const duration = durationOf(flag, text);
  return duration === undefined ? undefined : durationSeconds(duration, flag) * 1000;
}

/** Seconds, as Celery's flags have them, or text with a unit. */
export function durationOf(flag: string, text: string | undefined): number | string | undefined {
  if (text === undefined) return undefined;
  if (text.trim() !== "" && Number(text) >= 0) return Number(text);
  return parseDurationMs(text) === null ? refuse(flag, 'seconds, or text with a unit such as "90s", "5m"', text) : text;
}
