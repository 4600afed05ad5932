/**
 * Upgrades of a Node server. A request for a WebSocket takes the way of every other request, through the same rules, and the
 * route that wants it takes the socket over; any other answer, a refusal too, is written as usual. `@hono/node-server` does it
 * the other way round: its refusals have no body, and an upgrade to something else (`curl --http2`) is never answered (ADR 23).
 */
import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export interface WebSockets {
  /** Tells each that the server goes away, and cuts off those that do not answer. */
  close(): Promise<void>;
}

const maxMessageBytes = 4096;
/** What a client gets to answer a close, or to take a refusal; its connection is cut then. */
const closeWithinMs = 1000;
const offers = new WeakMap<IncomingMessage, () => Promise<WebSocket>>();

/** Lets the job service's routes be asked for WebSockets on this server. @example acceptWebSockets(server); server.listen(8000) */
export function acceptWebSockets(server: Server): WebSockets {
  // closeTimeout is newer than the types.
  const options = { noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false, closeTimeout: closeWithinMs };
  const sockets = new WebSocketServer(options);
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket") offer(server, sockets, request, socket, head);
    else serveWithoutUpgrade(server, request, socket, head);
  });
  return { close: () => closeAll(sockets) };
}

/** undefined: the request came to no server that accepts them. @param env what the server gave along with the request */
export function acceptedSocket(env: unknown): Promise<WebSocket> | undefined {
  const { incoming } = (env ?? {}) as { readonly incoming?: IncomingMessage };
  return incoming && offers.get(incoming)?.();
}

function offer(server: Server, sockets: WebSocketServer, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const response = new ServerResponse(request);
  // The server has let go of this connection: nobody else ends it where its client does not.
  const refused = () => {
    socket.resume().end();
    setTimeout(() => socket.destroy(), closeWithinMs).unref();
  };
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", refused);
  offers.set(request, () => {
    response.off("finish", refused);
    response.detachSocket(socket);
    return new Promise((resolve) => sockets.handleUpgrade(request, socket, head, resolve));
  });
  server.emit("request", request, response);
}

/** A server may ignore the wish (RFC 9110 §7.8): the request is read again, without it. */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[i + 1]}`);
  }
  lines.push("connection: close", "", "");
  socket.unshift(Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), head]));
  server.emit("connection", socket);
}

async function closeAll(sockets: WebSocketServer): Promise<void> {
  const closed = [...sockets.clients].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
  for (const socket of sockets.clients) socket.close(1001, "the service ends");
  await Promise.all(closed);
}
