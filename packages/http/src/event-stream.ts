/** `GET /events/:id`: a job's events as server-sent events or, where the request asks for an upgrade, over a WebSocket. */
import type { Context } from "hono";
import { asksForWebSocket, type EventSocketOptions, takeWebSocket } from "./event-socket.ts";
import { JobError } from "./job-error.ts";
import { isEventId, type JobEvent, type JobEvents, jobEvents, orSilence } from "./job-events.ts";
import type { JobService } from "./job-service.ts";
import { isEnded } from "./job-view.ts";

export interface EventOptions extends EventSocketOptions {
  /** Sites whose pages may open a WebSocket, beside the service's own. */
  readonly origins?: readonly string[];
  /** Aborts when the server wants to end. */
  readonly closing?: AbortSignal;
}

const keepAliveMs = 15_000;
/** A browser whose service has ended comes back after this, and finds another. */
const comeBackMs = 1000;

/** @throws {JobError} 404; 400 EVENT_ID_INVALID; for a WebSocket also 403 ORIGIN_REFUSED, 501 WEBSOCKET_NOT_SERVED */
export async function answerEvents(service: JobService, id: string, context: Context, options: EventOptions = {}): Promise<Response> {
  const { closing = never, origins = [] } = options;
  const first = await service.view(id);
  const asked = context.req.header("last-event-id") ?? context.req.query("after") ?? "";
  if (!isEventId(asked)) throw new JobError(400, "EVENT_ID_INVALID", "This is no id of an event: name one that an event came with.");
  const open = (after: string, ...ends: readonly AbortSignal[]) => jobEvents(service, first, after, closing, ...ends);
  if (asksForWebSocket(context)) return takeWebSocket(context, origins, asked, open, options);

  const left = new AbortController();
  const events = open(asked, context.req.raw.signal, left.signal);
  // Who has seen the end already must not come back for ever: to browsers, 204 says so.
  const isOver = asked !== "" && isEnded(first);
  const begun = isOver ? await events.next() : undefined;
  if (begun?.done) return new Response(null, { status: 204 });
  return eventStream(events, begun, left, options.stalledMs);
}

/** One event is written when the one before has been taken. */
function eventStream(
  events: JobEvents,
  begun: IteratorResult<JobEvent, boolean> | undefined,
  left: AbortController,
  stalledMs = 30_000,
): Response {
  let next = begun && Promise.resolve(begun);
  let stalled: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stalled);
        next ??= events.next();
        const found = await orSilence(next, keepAliveMs);
        if (left.signal.aborted) return;
        if (found === "silence") controller.enqueue(Buffer.from(": still here\n\n"));
        else if (found.done) {
          if (!found.value) controller.enqueue(Buffer.from(`retry: ${comeBackMs}\n\n`));
          return controller.close();
        } else {
          next = undefined;
          controller.enqueue(Buffer.from(asText(found.value)));
        }
        stalled = setTimeout(() => {
          left.abort();
          controller.error(new Error("The client does not take its events."));
        }, stalledMs).unref();
      },
      cancel() {
        clearTimeout(stalled);
        left.abort();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

const never = new AbortController().signal;
const asText = ({ id, event, data }: JobEvent) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
