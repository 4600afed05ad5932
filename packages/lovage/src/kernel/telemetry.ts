/**
 * OpenTelemetry's API, once somebody has registered a tracer provider with it. Until then nothing is loaded, and to ask costs a look at
 * one global: the API keeps what is registered there, whichever copy of it did that. The package is optional.
 */
import { createRequire } from "node:module";
import type * as OpenTelemetry from "@opentelemetry/api";

export type Telemetry = typeof OpenTelemetry;

const registered = Symbol.for("opentelemetry.js.api.1");
const holder = globalThis as { readonly [registered]?: { readonly trace?: unknown } };
/** null: it cannot be loaded. */
let loaded: Telemetry | null | undefined;

/** undefined: nobody traces. */
export function telemetry(): Telemetry | undefined {
  if (holder[registered]?.trace === undefined) return undefined;
  if (loaded === undefined) loaded = load();
  return loaded ?? undefined;
}

function load(): Telemetry | null {
  // From where we are installed, else from where the app is.
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    try {
      return createRequire(from)("@opentelemetry/api");
    } catch {
      // The next place.
    }
  }
  process.emitWarning(
    "A tracer provider is registered, and @opentelemetry/api cannot be loaded: tasks are not traced. Install it beside lovage.",
  );
  return null;
}
