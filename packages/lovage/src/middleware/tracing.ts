/**
 * A span of OpenTelemetry around each run, `run <task>`, where the app has registered a tracer provider; else nothing. Its parent is the
 * span that sent the message, in whichever language. It is active in the handler, so spans of the user's own, and all that is
 * sent from inside or follows from the run, hang below it. Names: OpenTelemetry's conventions for messaging, and what its
 * instrumentation of Python's Celery calls the rest.
 */
import type { Attributes, Span } from "@opentelemetry/api";
import { type Telemetry, telemetry } from "../kernel/telemetry.ts";
import type { Outcome } from "../message/outcome.ts";
import { runFacts } from "../task/run-facts.ts";
import type { Execution, Middleware } from "./middleware.ts";
import { contextOf, traceIn } from "./span-context.ts";

export function tracing(): Middleware {
  return {
    name: "tracing",
    concerns: () => telemetry() !== undefined,
    execute(run, next) {
      const api = telemetry();
      return api === undefined ? next() : traced(api, run, next);
    },
  };
}

async function traced(api: Telemetry, run: Execution, next: () => Promise<Outcome>): Promise<Outcome> {
  const { message } = run;
  const parent = contextOf(api, message.headers);
  const span = api.trace
    .getTracer("lovage")
    .startSpan(`run ${message.task}`, { kind: api.SpanKind.CONSUMER, attributes: attributesOf(run) }, parent);
  const inside = api.trace.setSpan(parent, span);
  const trace = traceIn(api, inside);
  if (trace !== undefined) run.handOn(trace);
  try {
    const outcome = await api.context.with(inside, next);
    describe(api, span, outcome, run.error);
    return outcome;
  } catch (error) {
    fail(api, span, error, String(error));
    throw error;
  } finally {
    span.end();
  }
}

function attributesOf({ message }: Execution): Attributes {
  return {
    "messaging.system": "celery",
    "messaging.operation.type": "process",
    "messaging.operation.name": "run",
    "messaging.destination.name": message.routingKey,
    "messaging.message.id": message.id,
    "messaging.message.conversation_id": String(runFacts(message).correlationId),
    "celery.action": "run",
    "celery.task_name": message.task,
    "celery.retries": message.retries,
  };
}

const states: Readonly<Record<Outcome["kind"], string>> = {
  success: "SUCCESS",
  failure: "FAILURE",
  retry: "RETRY",
  revoked: "REVOKED",
  replaced: "REPLACED",
  rejected: "REJECTED",
  ignored: "IGNORED",
};

/** A retry is no error of the run: it is an event of its span. */
function describe(api: Telemetry, span: Span, outcome: Outcome, thrown: unknown): void {
  span.setAttribute("celery.state", states[outcome.kind]);
  if (outcome.kind === "failure") fail(api, span, thrown, `${outcome.error.exc_type}: ${textOf(outcome.error.exc_message)}`);
  if (outcome.kind !== "retry") return;
  const { exc_type, exc_message } = outcome.error;
  span.addEvent("retry", {
    "celery.retry.reason": `${exc_type}: ${textOf(exc_message)}`,
    "celery.retry.delay_ms": Math.round(outcome.retry.delayMs),
  });
}

function fail(api: Telemetry, span: Span, thrown: unknown, message: string): void {
  span.recordException(thrown instanceof Error ? thrown : message);
  span.setStatus({ code: api.SpanStatusCode.ERROR, message });
}

const textOf = (said: unknown): string => String((Array.isArray(said) ? said[0] : said) ?? "").slice(0, 500);
