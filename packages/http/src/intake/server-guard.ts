/**
 * What a node:http server of ours holds its clients to before a route sees their request, and how it parts from one whose
 * request is not wanted: the answer has to arrive although the client still sends.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * No limit for a whole request: node's would end every upload of more than five minutes. `Intake` watches their pace. What
 * is not an upload has no body that we read.
 */
export const guardedServer: ServerOptions = {
  requestTimeout: 0,
  headersTimeout: 20_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
  keepAliveTimeout: 10_000,
};

export interface LingerLimits {
  /** In all. */
  readonly mostMs: number;
  /** Without a byte. */
  readonly idleMs: number;
}

/** @param stalledMs a client that takes nothing of its answer for so long is cut off: it holds a file open */
export function guardServer(server: Server, limits: LingerLimits = { mostMs: 30_000, idleMs: 5_000 }, stalledMs = 60_000): void {
  server.on("clientError", refuseConnection);
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    outgoing.setTimeout(stalledMs, () => {
      // Else it is the answer that takes long.
      if (outgoing.socket !== null && outgoing.socket.writableLength > 0) outgoing.socket.destroy();
    });
    // Before node's own listener, which may close the connection: what is unread then makes the kernel drop the answer.
    outgoing.prependListener("finish", () => {
      if (!incoming.complete) linger(incoming, limits);
    });
  });
}

/** Reads what is still sent, and forgets it, for a while. A client that writes before it reads gets to the answer so. */
function linger(incoming: IncomingMessage, { mostMs, idleMs }: LingerLimits): void {
  // Null when an error has destroyed the request: nothing more is read of it.
  const socket: Socket | null = incoming.socket;
  if (!socket || socket.destroyed) return;
  let closing = false;
  // Node calls this when the connection is not to be kept: our side of it ends now, the other one below.
  socket.destroySoon = () => {
    closing = true;
    socket.end();
  };
  const giveUp = () => socket.destroy();
  // A connection keeps the process by itself; what is left of one must not.
  const most = setTimeout(giveUp, mostMs).unref();
  const idle = setTimeout(giveUp, idleMs).unref();
  const end = () => {
    clearTimeout(most);
    clearTimeout(idle);
    socket.off("close", end);
    // Back to the prototype's.
    Reflect.deleteProperty(socket, "destroySoon");
    if (closing) socket.destroySoon();
  };
  // Node forgets an answered request: when its client hangs up, only the socket says so.
  socket.once("close", end);
  incoming.on("data", () => idle.refresh()).once("close", end);
  incoming.once("end", end).resume();
}

const refusals: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "REQUEST_HEADERS_TOO_LARGE",
    `Address and headers are larger than ${guardedServer.maxHeaderSize} bytes.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "REQUEST_TOO_SLOW", "The request's headers took too long."],
};

const refused = new WeakSet<Socket>();
/** For the client to take the answer before the connection is gone. */
const partingMs = 2_000;

/** What node's parser does not take reaches no route; it is answered all the same, with a code. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket & { readonly _httpMessage?: ServerResponse | null }): void {
  // It complains of each chunk that follows, too.
  if (refused.has(socket)) return;
  refused.add(socket);
  if (error.code === "ECONNRESET" || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, code, message] = refusals[error.code ?? ""] ?? ["400 Bad Request", "REQUEST_MALFORMED", "That is not well-formed HTTP."];
  const body = JSON.stringify({ code, message });
  const head = [`HTTP/1.1 ${status}`, "connection: close", "content-type: application/json", `content-length: ${body.length}`];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), partingMs).unref();
}
