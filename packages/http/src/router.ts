/**
 * Serves the table of routes as a plain `Request → Response` that mounts below any path, in any Hono app or server. What
 * holds for all of them stands here, in the order in which a request meets it.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { correlationFrom, withCorrelation } from "lovage";
import { Admission, type RouteContext, type RouteVariables } from "./access/admission.ts";
import { browserRules } from "./access/browser-rules.ts";
import { Turnstile } from "./intake/turnstile.ts";
import { asJobError, JobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";
import type { Call, Route } from "./route.ts";
import type { RouteOptions } from "./route-options.ts";
import { routes } from "./routes.ts";

/** Where a client may say what its request belongs to, the first that is well formed. */
const idHeaders = ["x-correlation-id", "x-session-id", "x-request-id"];

export type JobRoutes = Hono<{ Variables: RouteVariables }>;

/** @throws {ConfigError} LOVAGE_API_KEY_INVALID */
export function jobRoutes(service: JobService, options: RouteOptions = {}): JobRoutes {
  const uploadPath = options.uploadPath ?? "/upload";
  const admission = new Admission(service, options);
  const turnstile = new Turnstile();
  const router: JobRoutes = new Hono();

  // Of uploads that come at once a few are worked on at a time, so that no question waits for all of them.
  router.use(uploadPath, async ({ req }, next) => {
    const leave = req.method === "POST" ? await turnstile.pass() : undefined;
    try {
      await next();
    } finally {
      leave?.();
    }
  });
  router.use(correlate);
  router.use(...browserRules(options));
  router.use(async (context, next) => {
    await next();
    if (options.closing?.aborted) context.res.headers.set("connection", "close");
  });
  for (const [path, group] of byPath(uploadPath)) {
    for (const route of group) {
      const own = path === uploadPath ? uploadPath : route.path;
      const base = (request: Request) => options.basePath ?? baseOf(new URL(request.url).pathname, own);
      router[route.method](path, (context) => serve(route, admission, context, { uploadPath, base: base(context.req.raw) }));
    }
    const allow = methodsOf(group);
    router.options(path, () => new Response(null, { status: 204, headers: { allow } }));
    router.all(path, ({ req }) =>
      problem(new JobError(405, "METHOD_NOT_ALLOWED", `${req.method} is not for this; allowed: ${allow}.`, { headers: { allow } })),
    );
  }
  router.notFound(({ req }) => problem(new JobError(404, "ROUTE_NOT_FOUND", `There is no ${req.method} ${req.path} here.`)));
  router.onError((error, context) => {
    const known = asJobError(error);
    if (known.status >= 500) options.onError?.(error, context.get("correlationId"));
    if (refusals.includes(known.status)) admission.audit(context, "warn", "access.refused", { code: known.code, status: known.status });
    return problem(known);
  });
  return router;
}

const refusals = [401, 403, 404, 429];

async function serve(
  route: Route,
  admission: Admission,
  context: RouteContext,
  place: Pick<Call, "uploadPath" | "base">,
): Promise<Response> {
  const { call, headers } = await admission.admit(route, context, place);
  const response = await route.handle(call);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  if (call.request.method !== "HEAD") return response;
  // Else a file would stay open until the garbage collector finds it.
  await response.body?.cancel();
  return new Response(null, response);
}

function byPath(uploadPath: string): Map<string, readonly Route[]> {
  const groups = new Map<string, readonly Route[]>();
  for (const route of routes) {
    const path = route.operation === "upload" ? uploadPath : route.path;
    groups.set(path, [...(groups.get(path) ?? []), route]);
  }
  return groups;
}

const methodsOf = (group: readonly Route[]): string =>
  [...group.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()])), "OPTIONS"].join(", ");

/** A request's path without the route's own. */
function baseOf(pathname: string, own: string): string {
  const parts = own.split("/").length - 1;
  return pathname.split("/").slice(0, -parts).join("/");
}

const correlate: MiddlewareHandler<{ Variables: RouteVariables }> = async (context, next) => {
  const said = correlationFrom(context.req.raw.headers, idHeaders);
  context.set("correlationId", said.correlationId);
  await withCorrelation(said, next);
  context.res.headers.set("x-correlation-id", said.correlationId);
  context.res.headers.set("x-request-id", correlationFrom(context.req.raw.headers, ["x-request-id"]).correlationId);
  if (said.traceparent !== undefined) context.res.headers.set("traceparent", said.traceparent);
};

export const problem = ({ code, message, status, headers }: JobError): Response => Response.json({ code, message }, { status, headers });
