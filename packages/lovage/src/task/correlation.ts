/**
 * The request that code works for: its correlation id, and the trace it is part of. It comes in with an HTTP request, goes with
 * every task that is sent, and through those with all that they send; inside a run it is the run's.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { correlationIdSays, isCorrelationId } from "../kernel/correlation-id.ts";
import { UsageError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import { type TraceContext, traceOf } from "../message/trace-context.ts";
import { type AmbientRun, ambientRuns } from "./ambient.ts";
import { type Family, familyOf } from "./family-stamps.ts";

export interface Correlation extends TraceContext {
  readonly correlationId: string;
}

/** Headers of a request: `Request.headers`, or what Node, Express or Fastify call so. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

/** In which run it was said: what runs belong to is theirs, however they were started. */
interface Said {
  readonly correlation: Correlation;
  readonly run: AmbientRun | undefined;
}

const key = Symbol.for("lovage.correlation");
const holder = globalThis as { [key]?: AsyncLocalStorage<Said> };
holder[key] ??= new AsyncLocalStorage<Said>();
/** Shared by all copies of this package in this thread. */
const ambient: AsyncLocalStorage<Said> = holder[key];

/**
 * Everything sent from inside `work` belongs to this request, unless it says otherwise.
 * @example app.use((request, _response, next) => withCorrelation(correlationFrom(request.headers), next));
 * @throws {UsageError} LOVAGE_CORRELATION_INVALID for an id that is not 1 to 128 of letters, digits and `_ . : @ / + = ~ -`
 */
export function withCorrelation<T>(correlation: string | Correlation, work: () => T): T {
  const whole = typeof correlation === "string" ? { correlationId: correlation } : correlation;
  return ambient.run(
    { correlation: { ...traceOf({ ...whole }), correlationId: checkedId(whole.correlationId) }, run: ambientRuns.getStore() },
    work,
  );
}

/**
 * What a request says of itself: the first well-formed id among the headers `names`, else one made up, and W3C's `traceparent`,
 * `tracestate` and `baggage`. What is not well formed counts as not said: nothing hostile gets any further.
 */
export function correlationFrom(headers: HeadersLike, names: readonly string[] = ["x-correlation-id", "x-request-id"]): Correlation {
  const read = (name: string) => textIn(headers, name);
  const given = names.map(read).find(isCorrelationId);
  const trace = traceOf({ traceparent: read("traceparent"), tracestate: read("tracestate"), baggage: read("baggage") });
  return { ...trace, correlationId: given ?? newId() };
}

/** The request that this code works for, as headers for requests that it makes itself; none outside of a run and `withCorrelation`. */
export function correlationHeaders(): Readonly<Record<string, string>> {
  const run = ambientRuns.getStore();
  const family = familyHere(run, undefined);
  const correlation = family?.correlation ?? run?.message.rootId ?? run?.message.id;
  return { ...(correlation !== undefined && { "x-correlation-id": correlation }), ...family?.trace };
}

/** What is handed on to all that is sent from here; `active`: the trace of a span that is open here, over all others. */
export function familyHere(run: AmbientRun | undefined, active: TraceContext | undefined): Family | undefined {
  const own = run === undefined ? undefined : familyOf(run.message);
  const said = ambient.getStore();
  const correlation = said !== undefined && said.run === run ? said.correlation : undefined;
  if (correlation === undefined && active === undefined) return own;
  return {
    tags: own?.tags,
    correlation: correlation?.correlationId ?? own?.correlation,
    trace: active ?? (correlation && traceOf({ ...correlation })) ?? own?.trace,
  };
}

function checkedId(id: unknown): string {
  if (isCorrelationId(id)) return id;
  throw new UsageError(
    "LOVAGE_CORRELATION_INVALID",
    `A correlation id is ${correlationIdSays}, got ${JSON.stringify(String(id).slice(0, 140))}.`,
    { details: { correlationId: id } },
  );
}

function textIn(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers.get === "function") return (headers as { get(name: string): string | null }).get(name) ?? undefined;
  const value = (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name];
  return typeof value === "string" ? value : value?.[0];
}
