/** Celery's remote control on the wire (celery-wire.md §10): requests and replies as data, and their envelopes. Pure. */
import { randomUUID } from "node:crypto";
import { decodeBody, decodeEnvelope, type Fields, isFields } from "../message/envelope.ts";
import { stringifyWireJson } from "../message/json.ts";

/** Fanout exchange of requests; on Redis the channel is `/<db>.celery.pidbox`. */
export const requestExchange = "celery.pidbox";
export const replyExchange = "reply.celery.pidbox";

export interface ControlRequest {
  readonly method: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Node names; null: see pattern. */
  readonly destination: readonly string[] | null;
  readonly pattern: string | null;
  readonly matcher: string | null;
  /** null: a cast, nobody waits for an answer. */
  readonly ticket: string | null;
  readonly replyTo: string | null;
  /** Lamport clock of the caller. */
  readonly clock: number;
}

export interface ControlReply {
  readonly ticket: string | null;
  readonly clock: number;
  /** Node name → what it answered. */
  readonly replies: Readonly<Record<string, unknown>>;
}

/** @throws {MessageError} for what is no envelope; null for an envelope that is no request. */
export function decodeRequest(bytes: Uint8Array): ControlRequest | null {
  const { body, headers } = open(bytes);
  if (typeof body.method !== "string") return null;
  const replyTo = isFields(body.reply_to) ? body.reply_to.routing_key : null;
  return {
    method: body.method,
    arguments: isFields(body.arguments) ? body.arguments : {},
    destination: Array.isArray(body.destination) ? body.destination.map(String) : null,
    pattern: text(body.pattern),
    matcher: text(body.matcher),
    ticket: text(body.ticket),
    replyTo: text(replyTo),
    clock: clockOf(headers),
  };
}

/** `destination` absent: all nodes. `expiresMs`: until when the caller waits. */
export function encodeRequest(request: ControlRequest, expiresMs: number): string {
  const { method, destination, pattern, matcher, ticket, replyTo, clock } = request;
  const call = replyTo === null ? {} : { ticket, reply_to: { exchange: replyExchange, routing_key: replyTo } };
  const body = { method, arguments: request.arguments, destination, pattern, matcher, ...call };
  return envelope(body, { clock, expires: expiresMs / 1000 }, requestExchange, "", 2);
}

export function encodeReply(reply: ControlReply, oid: string): string {
  return envelope(reply.replies, { ticket: reply.ticket, clock: reply.clock }, replyExchange, oid, 1);
}

/** @throws {MessageError} for what is no envelope; null for an envelope that is no reply. */
export function decodeReply(bytes: Uint8Array): ControlReply | null {
  const { body, headers } = open(bytes);
  if (Object.keys(body).length === 0) return null;
  return { ticket: text(headers.ticket), clock: clockOf(headers), replies: body };
}

/** Whether this node is meant (celery-wire.md §10.2). */
export function isForNode(request: Pick<ControlRequest, "destination" | "pattern" | "matcher">, nodeName: string): boolean {
  if (request.destination !== null) return request.destination.includes(nodeName);
  if (!request.pattern || !request.matcher) return true;
  const source = request.matcher === "pcre" ? `^(?:${request.pattern})` : globSource(request.pattern);
  try {
    return new RegExp(source).test(nodeName);
  } catch {
    return false;
  }
}

/** Python's fnmatch: `*`, `?`, `[seq]`, `[!seq]`. */
function globSource(pattern: string): string {
  const parts = pattern.match(/\[!?\]?[^\]]*\]|[\s\S]/g) ?? [];
  const source = parts.map((part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    if (part.length > 1) return part.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    return part.replace(/[\\^$.|+()[\]{}]/, "\\$&");
  });
  return `^${source.join("")}$`;
}

function open(bytes: Uint8Array): { readonly body: Fields; readonly headers: Fields } {
  const decoded = decodeEnvelope(bytes);
  const body = decodeBody(decoded);
  return { body: isFields(body) ? body : {}, headers: decoded.headers };
}

function envelope(body: unknown, headers: Fields, exchange: string, routingKey: string, deliveryMode: number): string {
  return JSON.stringify({
    body: Buffer.from(stringifyWireJson(body)).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers,
    properties: {
      delivery_mode: deliveryMode,
      delivery_info: { exchange, routing_key: routingKey },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: randomUUID(),
    },
  });
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const clockOf = (headers: Fields): number => (typeof headers.clock === "number" ? headers.clock : 0);
