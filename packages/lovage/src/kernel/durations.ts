/** Durations as people write them: a number is in the unit of its name, a string carries its own ("9m", "1h 30m", "250ms"). */
import { ConfigError } from "./errors.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const part = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)(?![a-z])/g;

/** A number of seconds, or text with units: "500ms", "30s", "9m", "1h 30m", "2d". */
export type Duration = number | string;

/** Milliseconds of a text with units, or null when it is not one. */
export function parseDurationMs(text: string): number | null {
  let total = 0;
  const rest = text.trim().replace(part, (_, amount: string, unit: string) => {
    total += Number(amount) * (unitMs[unit] ?? 0);
    return "";
  });
  return rest.trim() === "" && text.trim() !== "" ? total : null;
}

/**
 * Seconds of a duration whose plain number means seconds (names of Celery's).
 * @throws {ConfigError} LOVAGE_DURATION_INVALID when it is negative, not finite or not readable; `where` names the setting.
 */
export function durationSeconds(value: Duration, where: string): number {
  const seconds = typeof value === "number" ? value : typeof value === "string" ? textSeconds(value) : Number.NaN;
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new ConfigError(
    "LOVAGE_DURATION_INVALID",
    `${where} is ${JSON.stringify(value)}: expected a number of seconds (≥ 0) or text with units such as "250ms", "30s", "9m", "1h 30m".`,
    { details: { where, value } },
  );
}

function textSeconds(text: string): number {
  const ms = parseDurationMs(text);
  return ms === null ? Number.NaN : ms / 1000;
}
