/** What a server says about when to come back (RFC 9110 §10.2.3, Retry-After), wherever an error of an HTTP client carries it. Pure. */

/** Seconds, a moment, or the header's text: "120" or "Fri, 31 Dec 2027 23:59:59 GMT". */
export type RetryAfter = number | string | Date;

/** `fetch`'s headers, or a plain object with names in lower case (axios, Node). */
type HeaderFields = { get(name: string): unknown } | Readonly<Record<string, unknown>>;

/** What has headers: a `Response`, or an error of a client that keeps it as `response`. */
export interface HasHeaders {
  readonly headers: HeaderFields;
}

/** A server that asks for more is taken at its word for this long: what it said may be a mistake. */
const longestMs = 24 * 3_600_000;

/**
 * Milliseconds until then, at least 0 and at most a day; undefined: nothing readable was said.
 * @param said the header's value, or the response that has it.
 * @example if (response.status === 429) throw currentRun().retry({ after: response });
 */
export function retryAfterMs(said: RetryAfter | HasHeaders | null | undefined, now: number = Date.now()): number | undefined {
  const value = isResponse(said) ? field(said.headers) : said;
  const ms = value instanceof Date ? value.getTime() - now : typeof value === "number" ? value * 1000 : textMs(value, now);
  return Number.isNaN(ms) ? undefined : Math.min(longestMs, Math.max(0, ms));
}

/** What an error carries: `retryAfter` of its own, or its (or its response's) headers; looked for along `cause`, ten deep. */
export function retryAfterOf(error: unknown, now: number = Date.now()): number | undefined {
  let current = error;
  for (let depth = 0; depth < 10 && typeof current === "object" && current !== null; depth++) {
    const { retryAfter, response, cause } = current as { retryAfter?: RetryAfter; response?: unknown; cause?: unknown };
    const said = retryAfter ?? (isResponse(response) ? response : isResponse(current) ? current : undefined);
    const ms = retryAfterMs(said, now);
    if (ms !== undefined) return ms;
    current = cause;
  }
  return undefined;
}

function isResponse(value: unknown): value is HasHeaders {
  return (
    typeof value === "object" && value !== null && typeof (value as Partial<HasHeaders>).headers === "object" && !(value instanceof Date)
  );
}

function field(headers: HeaderFields | null): RetryAfter | undefined {
  if (headers === null) return undefined;
  const value = typeof headers.get === "function" ? headers.get("retry-after") : (headers as Record<string, unknown>)["retry-after"];
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

function textMs(text: unknown, now: number): number {
  if (typeof text !== "string" || text.trim() === "") return Number.NaN;
  return /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
}
