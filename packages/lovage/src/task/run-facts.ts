/** What every log line about a task says of it, so that all lines of a task, and of a request, can be found. */
import type { LogFields } from "../kernel/logger.ts";
import type { PeekedHeaders } from "../message/decode.ts";
import { traceIdOf } from "../message/trace-context.ts";
import { familyOf } from "./family-stamps.ts";

/** Of a message, or of what was read of it without its arguments. */
type Told = Pick<PeekedHeaders, "id" | "task" | "rootId" | "retries" | "routingKey" | "stamps" | "headers">;

/** `attempt` counts from 1. Without a correlation id of its own, a workflow goes by its first task's id. */
export function runFacts(message: Told): LogFields {
  const traceId = traceIdOf(message.headers);
  return {
    task: message.task,
    taskId: message.id,
    queue: message.routingKey,
    attempt: message.retries + 1,
    correlationId: familyOf(message)?.correlation ?? message.rootId ?? message.id,
    ...(traceId !== undefined && { traceId }),
  };
}
