/** All routes of the job service on one page, as a plain `Request → Response` that mounts in any Hono app or server. */
import { Hono } from "hono";
import { correlationFrom, withCorrelation } from "lovage";
import { archiveResponse } from "./job-archive.ts";
import { asJobError, JobError } from "./job-error.ts";
import { jobEvents } from "./job-events.ts";
import type { JobService } from "./job-service.ts";

/** Where a client may say what its request belongs to, the first that is well formed. */
const idHeaders = ["x-correlation-id", "x-session-id", "x-request-id"];

type Variables = { correlationId: string };

export function jobRoutes(
  service: JobService,
  options: { readonly onError?: (error: unknown, correlationId: string) => void } = {},
): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>();

  routes.use(async (context, next) => {
    const said = correlationFrom(context.req.raw.headers, idHeaders);
    context.set("correlationId", said.correlationId);
    await withCorrelation(said, next);
    context.res.headers.set("x-correlation-id", said.correlationId);
    if (said.traceparent !== undefined) context.res.headers.set("traceparent", said.traceparent);
    context.res.headers.set("x-content-type-options", "nosniff");
  });

  routes.post("/upload", async (context) => {
    const view = await service.submit(context.req.raw, context.get("correlationId"));
    const urls = {
      status_url: `/status/${view.job_id}`,
      events_url: `/events/${view.job_id}`,
      cancel_url: `/cancel/${view.job_id}`,
      download_url: `/download/${view.job_id}`,
    };
    return context.json({ ...view, ...urls }, 202, { location: urls.status_url });
  });
  routes.get("/status/:id", async (context) =>
    context.json(await service.view(context.req.param("id")), 200, { "cache-control": "no-store" }),
  );
  routes.get("/events/:id", async (context) => {
    const id = context.req.param("id");
    await service.view(id);
    return jobEvents(service, id, context.req.header("last-event-id") ?? "", context.req.raw.signal);
  });
  routes.post("/cancel/:id", async (context) => context.json(await service.cancel(context.req.param("id")), 202));
  routes.get("/download/:id", async (context) =>
    archiveResponse(await service.outputsOf(context.req.param("id")), context.req.header("range") ?? null),
  );
  routes.get("/stats", async (context) => context.json(await service.stats()));
  routes.get("/health", async (context) => {
    const started = performance.now();
    try {
      await service.ping(1000);
    } catch (error) {
      const { code, message } = asJobError(error);
      return context.json({ status: "unavailable", code, message }, 503);
    }
    if (context.req.query("verbose") === undefined) return context.json({ status: "ok" });
    return context.json({ status: "ok", broker: { ok: true, ms: performance.now() - started } });
  });

  routes.notFound((context) =>
    context.json(bodyOf(new JobError(404, "ROUTE_NOT_FOUND", `There is no ${context.req.method} ${context.req.path} here.`)), 404),
  );
  routes.onError((error, context) => {
    const known = asJobError(error);
    if (known.status >= 500) options.onError?.(error, context.get("correlationId"));
    const headers = known.retryAfter === undefined ? {} : { "retry-after": String(known.retryAfter) };
    return context.json(bodyOf(known), known.status as 500, headers);
  });
  return routes;
}

const bodyOf = ({ code, message }: JobError) => ({ code, message });
