/** ISO 8601 times as Celery writes and reads them. celery-wire.md §2.3. */
import { MessageError } from "../kernel/errors.ts";

// What dateutil reads of ISO 8601 (5.3+): extended or basic, 1–9 digits of fraction, Z, ±HH, ±HHMM or ±HH:MM.
const shape =
  /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d))(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?|(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;

export interface WireTime {
  /** Milliseconds since 1970, rounded down. A time without a zone is taken as UTC. */
  readonly ms: number;
  /** Digits after the millisecond that a `Date` cannot hold; 0–999. */
  readonly micros: number;
  /** As written: "" when naive, "Z", "+02:00" … */
  readonly zone: string;
}

/** undefined when `text` is no time. */
export function readWireTime(text: string): WireTime | undefined {
  const found = shape.exec(text);
  if (found === null) return undefined;
  const year = Number(found[1]);
  const month = Number(found[2] ?? found[4]);
  const day = Number(found[3] ?? found[5]);
  const hour = Number(found[6] ?? 0);
  const minute = Number(found[7] ?? found[10] ?? 0);
  const second = Number(found[8] ?? found[11] ?? 0);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = found[13] ?? "";
  const offset = offsetMinutes(zone);
  if (offset === undefined) return undefined;
  const fraction = (found[9] ?? found[12] ?? "").padEnd(6, "0");
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offset, second, Number(fraction.slice(0, 3)));
  return { ms: date.getTime(), micros: Number(fraction.slice(3, 6)), zone };
}

/**
 * Milliseconds since 1970, rounded down; naive text is UTC whatever the zone of this machine.
 * @throws {MessageError} LOVAGE_TIME_INVALID
 */
export function parseWireTime(text: string): number {
  const time = readWireTime(text);
  if (time !== undefined) return time.ms;
  throw new MessageError(
    "LOVAGE_TIME_INVALID",
    `Cannot read ${JSON.stringify(String(text).slice(0, 80))} as a time: expected ISO 8601 such as 2026-11-21T06:09:31.042278+00:00.`,
    { details: { value: text } },
  );
}

let cachedSecond = Number.NaN;
let cachedText = "";

/**
 * `2026-11-21T06:09:31.042000+00:00`: always six digits and an offset with colon, the one form that 5.2's own parser and
 * dateutil agree on. Takes fractions of a millisecond. The text of the current second is kept: results are written in bursts.
 */
export function formatWireTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 19);
    cachedSecond = second;
  }
  const micros = Math.floor((ms - second * 1000) * 1000);
  return `${cachedText}.${String(1_000_000 + micros).slice(1)}+00:00`;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === "" || zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  if (hours > 23 || minutes > 59) return undefined;
  return (zone[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
}
