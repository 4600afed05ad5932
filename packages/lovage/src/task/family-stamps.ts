/**
 * What every task of a request has, and hands on to all that it sends. Tags and the correlation id are stamps of ours, so that all can be
 * found and revoked; the trace stands among the headers, as OpenTelemetry has it. Celery carries both through canvases,
 * retries and Python legs, as it does a user's own (celery-wire.md §2.1, §6.10).
 */
import type { Signature, SignatureOptions, TaskMessage } from "../message/task-message.ts";
import { type TraceContext, traceOf } from "../message/trace-context.ts";
import { changeParts } from "./signature-parts.ts";
import type { Stamps } from "./stamping-visitor.ts";
import { stampedOptions } from "./stamps.ts";

/** Their names on the wire. */
export const familyStamps = { tags: "tags", correlation: "correlation" } as const;

export interface Family {
  readonly tags?: readonly string[] | undefined;
  readonly correlation?: string | undefined;
  readonly trace?: TraceContext | undefined;
}

/** What a message has of it; undefined: nothing. Stamps of the same names that a Python client wrote are the same. */
export function familyOf({ stamps, headers }: Pick<TaskMessage, "stamps" | "headers">): Family | undefined {
  const trace = traceOf(headers);
  if (stamps.tags === undefined && stamps.correlation === undefined) return trace && { trace };
  const tags = textsOf(stamps.tags);
  const correlation = typeof stamps.correlation === "string" ? stamps.correlation : undefined;
  return tags.length === 0 && correlation === undefined ? trace && { trace } : { tags, correlation, trace };
}

/**
 * Every task of it, with links and bodies. Tags come to those that are there; a correlation id that is there stays, unless `over`; the
 * trace is that of who sends.
 */
export function inFamily(signature: Signature, family: Family, over = false): Signature {
  const again = (part: Signature) => inFamily(part, family, over);
  const own: Signature = { ...signature, options: withLinks(signature.options, again) };
  if (!compositions.has(signature.subtask_type)) return { ...own, options: traced(stamped(own.options, family, over), family) };
  const changed = changeParts(own, again);
  const { body } = changed.kwargs as { readonly body?: Signature | null };
  return body ? { ...changed, kwargs: { ...changed.kwargs, body: again(body) } } : changed;
}

const traced = (options: SignatureOptions, { trace }: Family): SignatureOptions =>
  trace === undefined ? options : { ...options, headers: { ...options.headers, ...trace } };

const compositions: ReadonlySet<Signature["subtask_type"]> = new Set(["chain", "group", "chord"] as const);

function withLinks(options: SignatureOptions, change: (link: Signature) => Signature): SignatureOptions {
  let out = options;
  for (const key of ["link", "link_error"] as const) {
    const links = options[key];
    if (links) out = { ...out, [key]: Array.isArray(links) ? links.map(change) : change(links as Signature) };
  }
  return out;
}

function stamped(options: SignatureOptions, { tags = [], correlation }: Family, over: boolean): SignatureOptions {
  const has = (name: string) => options.stamped_headers?.includes(name) ?? false;
  const stamps: Record<string, unknown> = {};
  if (tags.length > 0) stamps.tags = [...new Set([...(has("tags") ? textsOf(options.tags) : []), ...tags])];
  if (correlation !== undefined && (over || !has("correlation"))) stamps.correlation = correlation;
  return Object.keys(stamps).length === 0 ? options : stampedOptions(options, stamps as Stamps);
}

const textsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? (value as readonly unknown[]) : [value]).filter((each) => typeof each === "string");
