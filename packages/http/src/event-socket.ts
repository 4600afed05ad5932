/**
 * A job's events over a WebSocket, each a JSON text `{ id, event, data }`. The next is sent when the one before has left this
 * process, so that a slow client makes nobody wait and fills no memory. It ends with 1000 after the job's end, 1001 when the
 * service ends, 1008 for what a client may not say, 1009 for too much of it, 1011 after an `error`, 1013 for a client that takes nothing.
 */
import type { Context } from "hono";
import type { WebSocket } from "ws";
import { JobError } from "./job-error.ts";
import { isEventId, type JobEvents } from "./job-events.ts";
import { acceptedSocket } from "./web-sockets.ts";

export interface EventSocketOptions {
  /** How often a client is asked whether it is there; one that does not answer by the next time is dropped. Default 15 000. */
  readonly heartbeatMs?: number;
  /** A client that takes no event for so long is cut off; it may come back for the rest. Default 30 000. */
  readonly stalledMs?: number;
}

type Open = (after: string, signal: AbortSignal) => JobEvents;
type Close = readonly [code: number, reason: string];
const jobEnded: Close = [1000, "the job has ended"];
const serviceEnds: Close = [1001, "the service ends"];

export const asksForWebSocket = ({ req }: Context): boolean => req.header("upgrade")?.toLowerCase() === "websocket";

/** @throws {JobError} 403 ORIGIN_REFUSED, 501 WEBSOCKET_NOT_SERVED */
export function takeWebSocket(
  context: Context,
  origins: readonly string[],
  after: string,
  open: Open,
  options: EventSocketOptions,
): Response {
  checkOrigin(context, origins);
  const accepted = acceptedSocket(context.env);
  if (accepted === undefined) throw new JobError(501, "WEBSOCKET_NOT_SERVED", "WebSockets are not served here; ask without Upgrade.");
  void accepted.then((socket) => new EventSocket(socket, open, options).run(after));
  return new Response(null, { status: 204 }); // goes nowhere: the socket is the client's now
}

/** Browsers send no cookie of ours, but a page of another site must not listen in from inside a network. Programs name no origin. */
function checkOrigin({ req }: Context, origins: readonly string[]): void {
  const origin = req.header("origin");
  if (origin === undefined || origins.includes(origin) || hostOf(origin) === req.header("host")) return;
  throw new JobError(403, "ORIGIN_REFUSED", "Pages of this origin may not use the service.");
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

class EventSocket {
  readonly #socket: WebSocket;
  readonly #open: Open;
  readonly #stalledMs: number;
  readonly #heart: NodeJS.Timeout;
  #stop = new AbortController();
  #after: string | undefined;
  #hasSpoken = false;
  #isAlive = true;
  #sendingSince: number | undefined;

  constructor(socket: WebSocket, open: Open, { heartbeatMs = 15_000, stalledMs = 30_000 }: EventSocketOptions) {
    this.#socket = socket;
    this.#open = open;
    this.#stalledMs = stalledMs;
    this.#heart = setInterval(() => this.#beat(), heartbeatMs).unref();
    socket.on("pong", () => {
      this.#isAlive = true;
    });
    socket.on("message", (data) => this.#hear(String(data)));
    socket.on("error", () => undefined); // "close" follows, with the code
    socket.once("close", () => {
      clearInterval(this.#heart);
      this.#stop.abort();
    });
  }

  async run(after: string): Promise<void> {
    let close: Close = serviceEnds;
    // Whoever says where to begin and hangs up at once is gone before the next begins.
    for (let from: string | undefined = after; from !== undefined && this.#isOpen; from = this.#after) {
      this.#after = undefined;
      this.#stop = new AbortController();
      close = await this.#sendAll(this.#open(from, this.#stop.signal));
    }
    this.#socket.close(...close);
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  async #sendAll(events: JobEvents): Promise<Close> {
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value ? jobEnded : serviceEnds;
      if (!this.#isOpen) return serviceEnds;
      await this.#send(JSON.stringify(value));
      if (value.event === "error") return [1011, (value.data as { readonly code: string }).code];
    }
  }

  #send(text: string): Promise<void> {
    this.#sendingSince = performance.now();
    return new Promise((resolve) => {
      // A socket that fails closes: nothing more is sent then.
      this.#socket.send(text, () => {
        this.#sendingSince = undefined;
        resolve();
      });
    });
  }

  /** One message is understood, and only as the first: `{ "after": "<id>" }` begins again after that event. */
  #hear(text: string): void {
    const after = afterOf(text);
    if (this.#hasSpoken || after === undefined) {
      this.#socket.close(1008, 'only { "after": "<id>" } is understood, once');
      return;
    }
    if (!isEventId(after)) {
      this.#socket.close(1008, "EVENT_ID_INVALID");
      return;
    }
    this.#hasSpoken = true;
    this.#after = after;
    this.#stop.abort();
  }

  #beat(): void {
    if (this.#sendingSince !== undefined) {
      // A question would wait behind what it does not take.
      if (performance.now() - this.#sendingSince < this.#stalledMs) return;
      this.#stop.abort();
      this.#socket.close(1013, "the client takes nothing");
    } else if (!this.#isAlive) this.#socket.terminate();
    else {
      this.#isAlive = false;
      this.#socket.ping();
    }
  }
}

function afterOf(text: string): string | undefined {
  try {
    const { after } = JSON.parse(text) as { readonly after?: unknown };
    return typeof after === "string" ? after : undefined;
  } catch {
    return undefined;
  }
}
