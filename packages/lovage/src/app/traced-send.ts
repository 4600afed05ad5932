/**
 * A span of OpenTelemetry around one call of `send` or `sendMany`, `send <task>`: one, however many messages it makes, since they leave
 * together. All of them name it as what they were sent by.
 */
import type { Span } from "@opentelemetry/api";
import { telemetry } from "../kernel/telemetry.ts";
import { runFacts } from "../task/run-facts.ts";
import type { Call } from "../task/sender.ts";
import type { Built } from "./sending.ts";

export async function tracedSend<T>(
  calls: readonly Call[],
  build: () => Built | Promise<Built>,
  hand: (built: Built) => Promise<T>,
): Promise<T> {
  const api = telemetry();
  if (api === undefined) return hand(await build());
  const span = api.trace.getTracer("lovage").startSpan(`send ${nameOf(calls)}`, { kind: api.SpanKind.PRODUCER });
  const inside = api.trace.setSpan(api.context.active(), span);
  try {
    return await api.context.with(inside, async () => {
      const built = await build();
      describe(span, built);
      return hand(built);
    });
  } catch (error) {
    span.recordException(error instanceof Error ? error : String(error));
    span.setStatus({ code: api.SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}

const nameOf = (calls: readonly Call[]): string => [...new Set(calls.map(({ signature }) => signature.task))].join(", ").slice(0, 200);

function describe(span: Span, { messages }: Built): void {
  const [first] = messages;
  span.setAttributes({
    "messaging.system": "celery",
    "messaging.operation.type": "send",
    "messaging.operation.name": "send",
    "celery.action": "apply_async",
    ...(first !== undefined && { "messaging.destination.name": first.routingKey, "celery.task_name": first.task }),
    ...(messages.length === 1 && first !== undefined && { "messaging.message.id": first.id }),
    ...(messages.length > 1 && { "messaging.batch.message_count": messages.length }),
    ...(first !== undefined && { "messaging.message.conversation_id": String(runFacts(first).correlationId) }),
  });
}
