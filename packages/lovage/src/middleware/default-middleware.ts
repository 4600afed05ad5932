/**
 * What every app has around its runs unless it brings a list of its own, the outermost first. Limits, acknowledgement and
 * cancelling are not here: they cannot be taken away.
 */
import type { Middleware } from "./middleware.ts";
import { retries } from "./retries.ts";
import { tracing } from "./tracing.ts";

export const defaultMiddleware: readonly Middleware[] = [tracing(), retries()];
