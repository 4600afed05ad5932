/** A job's progress as server-sent events. Each carries the log's id, so that a client that comes back misses nothing. */
import { asJobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";

const keepAliveMs = 15_000;
const comeBackMs = 1000;

/** `closing`: the service wants to end; the client is told to come back, and finds another. */
export function jobEvents(service: JobService, id: string, lastEventId: string, aborted: AbortSignal, closing: AbortSignal): Response {
  const stop = new AbortController();
  const gone = AbortSignal.any([aborted, stop.signal]);
  const signal = AbortSignal.any([gone, closing]);
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (text: string) => {
        if (!gone.aborted) controller.enqueue(Buffer.from(text));
      };
      const keepAlive = setInterval(() => write(": still here\n\n"), keepAliveMs);
      try {
        const first = await service.view(id);
        write(event("status", first));
        if (!isEnded(first.status) || lastEventId !== "") {
          for await (const entry of service.follow(id, lastEventId, signal)) {
            const view = await service.view(id);
            write(event(isEnded(view.status) ? "end" : "progress", view, entry.id));
            if (isEnded(view.status)) break;
          }
        } else write(event("end", first));
      } catch (error) {
        const { code, message } = asJobError(error);
        write(event("error", { code, message }));
      } finally {
        clearInterval(keepAlive);
        if (closing.aborted) write(`retry: ${comeBackMs}\n\n`);
        if (!gone.aborted) controller.close();
      }
    },
    cancel: () => stop.abort(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

const isEnded = (status: string) => status === "complete" || status === "error";
const event = (name: string, data: unknown, id?: string) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
