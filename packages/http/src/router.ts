/**
 * Serves the table of routes as a plain `Request → Response` that mounts below any path, in any Hono app or server. What
 * holds for all of them stands here, in the order in which a request meets it.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { correlationFrom, type Logger, withCorrelation } from "lovage";
import { checkKeys } from "./access/api-keys.ts";
import { type BrowserOptions, browserRules } from "./access/browser-rules.ts";
import { type AddressOptions, clientAddress } from "./access/client-address.ts";
import { deletedAccess } from "./access/delete-job.ts";
import { type Caller, Gate, type GateOptions } from "./access/gate.ts";
import { Quotas } from "./access/quota.ts";
import { RateLimits, type RateOptions } from "./access/rate-limits.ts";
import { SharedDocuments } from "./access/shared-documents.ts";
import type { EventSocketOptions } from "./event-socket.ts";
import { asJobError, JobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";
import { Turnstile } from "./life/turnstile.ts";
import type { Call, Route } from "./route.ts";
import { routes } from "./routes.ts";

export interface RouteOptions extends GateOptions, BrowserOptions, AddressOptions {
  /** Where uploads go, below the path that the routes are mounted at. @defaultValue "/upload" */
  readonly uploadPath?: string;
  /** What stands before the routes' paths in the URLs of answers, where a proxy takes it off. Default: as the request says. */
  readonly basePath?: string;
  /** Heartbeats of WebSockets, and how long events wait for a client. */
  readonly events?: EventSocketOptions;
  /** Requests per client address and per key. Default: unlimited. */
  readonly rate?: RateOptions;
  /** The audit log: uploads, downloads, cancels, deletes and refusals, without file names. Default: none. */
  readonly log?: Logger;
  /** Faults that a client is only told about as 5xx. */
  readonly onError?: (error: unknown, correlationId: string) => void;
  /** Aborts when the server wants to end: event streams and waiting requests are answered then. */
  readonly closing?: AbortSignal;
}

/** Where a client may say what its request belongs to, the first that is well formed. */
const idHeaders = ["x-correlation-id", "x-session-id", "x-request-id"];
const never = new AbortController().signal;

export type JobRoutes = Hono<{ Variables: Variables }>;
type Variables = { correlationId: string; caller: Caller };

/** @throws {ConfigError} LOVAGE_API_KEY_INVALID */
export function jobRoutes(service: JobService, options: RouteOptions = {}): JobRoutes {
  checkKeys(options.keys ?? []);
  const uploadPath = options.uploadPath ?? "/upload";
  const documents = new SharedDocuments(() => service.state());
  const quotas = new Quotas(documents, (id) => service.isOpen(id));
  const gate = new Gate(options);
  const rates = new RateLimits(documents, options.rate ?? {});
  const turnstile = new Turnstile();
  const router: JobRoutes = new Hono();

  // Uploads that come at once begin one after the other, so that no question waits for all of them.
  router.use(async ({ req }, next) => {
    if (req.method === "POST") await turnstile.pass();
    await next();
  });
  router.use(correlate);
  router.use(...browserRules(options));
  router.use(async (context, next) => {
    await next();
    if (options.closing?.aborted) context.res.headers.set("connection", "close");
  });
  for (const [path, group] of byPath(routes, uploadPath)) {
    const allow = group.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()])).concat("OPTIONS");
    for (const route of group) router[route.method](path, (context) => serve(route, context as Context));
    router.options(path, () => new Response(null, { status: 204, headers: { allow: allow.join(", ") } }));
    router.all(path, ({ req }) =>
      problem(new JobError(405, "METHOD_NOT_ALLOWED", `${req.method} is not for this; allowed: ${allow.join(", ")}.`), {
        allow: allow.join(", "),
      }),
    );
  }
  router.notFound(({ req }) => problem(new JobError(404, "ROUTE_NOT_FOUND", `There is no ${req.method} ${req.path} here.`)));
  router.onError((error, context) => {
    const known = asJobError(error);
    if (known.status >= 500) options.onError?.(error, context.get("correlationId"));
    if ([401, 403, 404, 429].includes(known.status)) audit(context, "warn", "access.refused", { code: known.code, status: known.status });
    return problem(known, known.headers);
  });
  return router;

  async function serve(route: Route, context: Context<{ Variables: Variables }>): Promise<Response> {
    const request = context.req.raw;
    const address = clientAddress(context, options);
    // No probe may fail for the sake of a limit, and none is worth a round trip.
    const isProbe = route.role === undefined;
    const ofAddress = isProbe ? {} : await rates.ofAddress(address);
    const caller = isProbe ? { key: undefined, token: undefined } : gate.caller(request);
    context.set("caller", caller);
    const limits = { ...ofAddress, ...(await rates.ofKey(caller.key)) };
    await admit(route, caller, context.req.param("id"));
    const call: Call = {
      service,
      context: context as Context,
      request,
      caller,
      correlationId: context.get("correlationId"),
      base: options.basePath ?? baseOf(new URL(request.url).pathname, route.operation === "upload" ? uploadPath : route.path),
      uploadPath,
      quotas,
      documents,
      events: { ...options.events, origins: options.cors?.origins ?? [], closing: options.closing ?? never },
      closing: options.closing ?? never,
      audit: (event, facts) => audit(context, "info", event, facts),
    };
    const response = await route.handle(call);
    for (const [name, value] of Object.entries(limits)) response.headers.set(name, value);
    if (request.method !== "HEAD") return response;
    // Else a file would stay open until the garbage collector finds it.
    await response.body?.cancel();
    return new Response(null, response);
  }

  async function admit({ role, operation }: Route, caller: Caller, id: string | undefined): Promise<void> {
    if (role === undefined) return;
    if (id === undefined) return gate.checkRole(caller, role);
    if (gate.idsOpenAll) return;
    const job = await service.accessOf(id);
    gate.checkJob(caller, job ?? (operation === "deleteJob" ? await deletedAccess(documents, id) : undefined), role);
  }

  function audit(
    context: Context<{ Variables: Variables }>,
    level: "info" | "warn",
    event: string,
    facts: Readonly<Record<string, unknown>> = {},
  ) {
    if (!options.log?.isOn(level)) return;
    options.log[level](event, {
      method: context.req.method,
      jobId: context.req.param("id"),
      key: context.get("caller")?.key?.id,
      address: clientAddress(context, options),
      correlationId: context.get("correlationId"),
      ...facts,
    });
  }
}

function byPath(table: readonly Route[], uploadPath: string): Map<string, readonly Route[]> {
  const groups = new Map<string, readonly Route[]>();
  for (const route of table) {
    const path = route.operation === "upload" ? uploadPath : route.path;
    groups.set(path, [...(groups.get(path) ?? []), route]);
  }
  return groups;
}

/** A request's path without the route's own. */
function baseOf(pathname: string, own: string): string {
  const parts = own.split("/").length - 1;
  return pathname.split("/").slice(0, -parts).join("/");
}

const correlate: MiddlewareHandler<{ Variables: Variables }> = async (context, next) => {
  const said = correlationFrom(context.req.raw.headers, idHeaders);
  context.set("correlationId", said.correlationId);
  await withCorrelation(said, next);
  context.res.headers.set("x-correlation-id", said.correlationId);
  context.res.headers.set("x-request-id", correlationFrom(context.req.raw.headers, ["x-request-id"]).correlationId);
  if (said.traceparent !== undefined) context.res.headers.set("traceparent", said.traceparent);
};

export const problem = ({ code, message, status }: JobError, headers: Readonly<Record<string, string>> = {}): Response =>
  Response.json({ code, message }, { status, headers });
