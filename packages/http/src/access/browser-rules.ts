/** What browsers are told and asked: who may read answers (CORS), what an answer may load, and that other sites' forms are no clients. */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { JobError } from "../job-error.ts";

export interface BrowserOptions {
  /** Sites whose pages may use the service, as origins (`https://app.example`). Never with cookies. Default: none but its own. */
  readonly cors?: { readonly origins: readonly string[]; readonly maxAgeSeconds?: number };
}

const requestHeaders = [
  "Authorization",
  "Content-Type",
  "If-None-Match",
  "If-Range",
  "Last-Event-ID",
  "Range",
  "X-API-Key",
  "X-Correlation-ID",
  "X-Request-ID",
  "X-Session-ID",
];
const responseHeaders = [
  "Accept-Ranges",
  "Content-Disposition",
  "Content-Length",
  "Content-Range",
  "ETag",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-Correlation-ID",
  "X-Request-ID",
];

/** A handler's own word stands: a page says itself what it loads. */
const defaults: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function browserRules({ cors: allowed }: BrowserOptions): readonly [MiddlewareHandler, ...MiddlewareHandler[]] {
  const origins = allowed?.origins ?? [];
  const secure: MiddlewareHandler = async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(defaults)) if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  };
  // Without cookies another site's page gains nothing it could not do itself, unless the service trusts where it is reached from.
  const refuseForeign: MiddlewareHandler = async ({ req }, next) => {
    const isForeign = req.header("sec-fetch-site") === "cross-site" && !origins.includes(req.header("origin") ?? "");
    if (isForeign && !["GET", "HEAD", "OPTIONS"].includes(req.method)) {
      throw new JobError(403, "ORIGIN_REFUSED", "Pages of this origin may not use the service.");
    }
    await next();
  };
  if (!allowed) return [secure, refuseForeign];
  const share = cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowHeaders: requestHeaders,
    exposeHeaders: responseHeaders,
    maxAge: allowed.maxAgeSeconds ?? 600,
  });
  return [secure, share, refuseForeign];
}
