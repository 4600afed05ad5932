/**
 * W3C trace context and baggage among a message's headers, under the names and in the form that OpenTelemetry's instrumentation of
 * Python's Celery writes and reads. Celery keeps them in retries, and in signatures as their option `headers`.
 */

/** As in the headers of an HTTP request. */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** version, trace id, span id, flags; later versions may say more behind them. Zeros alone are no id. */
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const longestTraceparent = 256;
/** W3C: what is longer may be dropped whole. */
const longestTracestate = 512;
const longestBaggage = 8192;
/** They go into headers of HTTP requests again. */
const visible = /^[\t\x20-\x7e]*$/;

type Headers = Readonly<Record<string, unknown>>;

/** What is well formed of it; undefined: nothing. */
export function traceOf(headers: Headers): TraceContext | undefined {
  const { traceparent, tracestate, baggage } = headers;
  if (traceparent === undefined && baggage === undefined) return undefined;
  const isTraced = isText(traceparent, longestTraceparent) && traceparentForm.test(traceparent);
  const isCarried = isText(baggage, longestBaggage);
  if (!isTraced && !isCarried) return undefined;
  return {
    ...(isTraced && { traceparent }),
    ...(isTraced && isText(tracestate, longestTracestate) && { tracestate }),
    ...(isCarried && { baggage }),
  };
}

/** Those of `headers` that are the user's own, and this trace. */
export function inTrace(headers: Headers, trace: TraceContext): Headers {
  const { traceparent: _, tracestate: __, baggage: ___, ...own } = headers;
  return { ...own, ...trace };
}

/** 32 hex digits. */
export function traceIdOf({ traceparent }: Headers): string | undefined {
  return isText(traceparent, longestTraceparent) ? traceparentForm.exec(traceparent)?.[1] : undefined;
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === "string" && value !== "" && value.length <= longest && visible.test(value);
