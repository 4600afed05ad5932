/** Between OpenTelemetry's contexts and what stands in messages: W3C's form, whatever propagator the app has for its other wires. */
import type { BaggageEntry, Context } from "@opentelemetry/api";
import { type Telemetry, telemetry } from "../kernel/telemetry.ts";
import { type TraceContext, traceOf } from "../message/trace-context.ts";

/** Of the span that is open here; undefined: none is, or nobody traces. */
export function openTrace(): TraceContext | undefined {
  const api = telemetry();
  return api === undefined ? undefined : traceIn(api, api.context.active());
}

/** undefined: nothing is open, and nothing is carried. */
export function traceIn(api: Telemetry, context: Context): TraceContext | undefined {
  const span = api.trace.getSpanContext(context);
  const baggage = (api.propagation.getBaggage(context)?.getAllEntries() ?? []).map(baggageText).join(",");
  if (span === undefined || !api.isSpanContextValid(span)) return baggage === "" ? undefined : { baggage };
  const tracestate = span.traceState?.serialize() ?? "";
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}`,
    ...(tracestate !== "" && { tracestate }),
    ...(baggage !== "" && { baggage }),
  };
}

/** The context that a message was sent in. */
export function contextOf(api: Telemetry, headers: Readonly<Record<string, unknown>>): Context {
  const { traceparent, tracestate, baggage } = traceOf(headers) ?? {};
  let context = api.ROOT_CONTEXT;
  if (traceparent !== undefined) {
    const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
    const traceState = tracestate === undefined ? undefined : api.createTraceState(tracestate);
    const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...(traceState && { traceState }) };
    context = api.trace.setSpanContext(context, span);
  }
  return baggage === undefined ? context : api.propagation.setBaggage(context, api.propagation.createBaggage(entriesOf(api, baggage)));
}

function baggageText([name, { value, metadata }]: [string, BaggageEntry]): string {
  const more = metadata === undefined ? "" : `;${metadata.toString()}`;
  return `${encodeURIComponent(name)}=${encodeURIComponent(value)}${more}`;
}

function entriesOf(api: Telemetry, baggage: string): Record<string, BaggageEntry> {
  const entries: Record<string, BaggageEntry> = {};
  for (const member of baggage.split(",")) {
    const [pair = "", ...metadata] = member.trim().split(";");
    const [name = "", value = ""] = pair.split("=").map((text) => decoded(text.trim()));
    if (name === "") continue;
    entries[name] = { value, ...(metadata.length > 0 && { metadata: api.baggageEntryMetadataFromString(metadata.join(";")) }) };
  }
  return entries;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
