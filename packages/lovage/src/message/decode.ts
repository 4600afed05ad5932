/**
 * From the bytes of an envelope to a `TaskMessage`: protocol 2, protocol 1 and the hybrid of both. As lenient as a Python
 * worker where it is lenient; where that would die or drop the message (celery-wire.md §4.1) it is a `MessageError`.
 */
import { MessageError } from "../kernel/errors.ts";
import { timeOfId } from "../kernel/ids.ts";
import { decodeBody, decodeEnvelope, type Envelope, type Fields, invalidBody, isFields, kindOf } from "./envelope.ts";
import * as read from "./header-values.ts";
import { protocolOneHeaders } from "./protocol-one.ts";
import { reprArgs, reprKwargs } from "./repr.ts";
import { readSignature, readSignatures } from "./signature-shape.ts";
import type { LovageProperties, TaskMessage } from "./task-message.ts";

const none: Fields = Object.freeze({});

/**
 * @throws {MessageError} LOVAGE_ENVELOPE_INVALID, LOVAGE_CONTENT_TYPE_REFUSED, LOVAGE_COMPRESSION_UNSUPPORTED,
 * LOVAGE_BODY_INVALID, LOVAGE_HEADERS_INVALID
 */
export function decodeTaskMessage(bytes: Uint8Array | string): TaskMessage {
  const envelope = decodeEnvelope(bytes);
  const body = decodeBody(envelope);
  // Its presence is what makes a message protocol 2 (celery-wire.md §2.1).
  if (envelope.headers.task === undefined) return fromProtocolOne(envelope, body);
  if (Array.isArray(body)) return fromProtocolTwo(envelope, body);
  if (isFields(body) && "args" in body)
    return assemble(envelope, { ...protocolOneHeaders(body), ...envelope.headers }, body.args, body.kwargs, body);
  throw invalidBody(`it is ${kindOf(body)}, not an array [args, kwargs, embed]`);
}

function fromProtocolTwo(envelope: Envelope, body: readonly unknown[]): TaskMessage {
  if (body.length < 3) throw invalidBody(`it has ${body.length} elements, not the three of [args, kwargs, embed]`);
  const embed = body[2] ?? none;
  if (!isFields(embed)) throw invalidBody(`its third element is ${kindOf(embed)}, not an object`);
  return assemble(envelope, envelope.headers, body[0], body[1], embed);
}

function fromProtocolOne(envelope: Envelope, body: unknown): TaskMessage {
  if (!isFields(body) || body.task === undefined) {
    throw new MessageError(
      "LOVAGE_HEADERS_INVALID",
      `Cannot read a message as a task: neither its headers nor its body (${kindOf(body)}) name one in "task".`,
    );
  }
  return assemble(envelope, protocolOneHeaders(body), body.args, body.kwargs, body);
}

/** One literal, so that all messages have one shape. */
function assemble(envelope: Envelope, headers: Fields, args: unknown, kwargs: unknown, embed: Fields): TaskMessage {
  const properties = envelope.properties;
  const positional = read.positional(args);
  const keyword = read.keyword(kwargs);
  const late = lateStamps(headers, properties);
  const limits = read.timeLimits(headers.timelimit);
  const delivery = isFields(properties.delivery_info) ? properties.delivery_info : none;
  return {
    id: read.name(headers, "id"),
    task: read.name(headers, "task"),
    args: positional,
    kwargs: keyword,
    callbacks: readSignatures(embed.callbacks, "callbacks"),
    errbacks: readSignatures(embed.errbacks, "errbacks"),
    chain: embed.chain === undefined || embed.chain === null ? null : readSignatures(embed.chain, "chain"),
    chord: embed.chord === undefined || embed.chord === null ? null : readSignature(embed.chord, "chord"),
    rootId: read.idOrNull(headers, "root_id"),
    parentId: read.idOrNull(headers, "parent_id"),
    groupId: read.idOrNull(headers, "group"),
    groupIndex: read.numberOrNull(headers, "group_index"),
    retries: read.countOrNull(headers, "retries") ?? 0,
    eta: read.time(headers, "eta"),
    expires: read.time(headers, "expires"),
    timeLimit: limits === null ? null : read.limit(limits[0]),
    softTimeLimit: limits === null ? null : read.limit(limits[1]),
    ignoreResult: read.flag(headers.ignore_result),
    shadow: read.textOrNull(headers.shadow),
    argsrepr: read.textOrNull(headers.argsrepr) ?? reprArgs(positional),
    kwargsrepr: read.textOrNull(headers.kwargsrepr) ?? reprKwargs(keyword),
    origin: read.textOrNull(headers.origin),
    lang: read.textOrNull(headers.lang),
    replacedTaskNesting: typeof headers.replaced_task_nesting === "number" ? headers.replaced_task_nesting : 0,
    stampedHeaders: late?.stampedHeaders ?? read.names(headers.stamped_headers),
    stamps: late?.stamps ?? (isFields(headers.stamps) ? headers.stamps : none),
    headers: read.customHeaders(headers),
    correlationId: read.textOrNull(properties.correlation_id),
    replyTo: read.textOrNull(properties.reply_to) ?? "",
    priority: read.priority(properties.priority),
    exchange: read.textOrNull(delivery.exchange) ?? "",
    routingKey: read.textOrNull(delivery.routing_key) ?? "",
    redelivered: delivery.redelivered === true || headers.redelivered === true,
    lovage: isFields(properties.lovage) ? (properties.lovage as LovageProperties) : none,
    properties: read.otherProperties(properties),
  };
}

/**
 * Celery 5.2 knows no stamps: what it sends on from a signature of ours has them among its properties (celery-wire.md §1.1). undefined:
 * there are none.
 */
function lateStamps(
  headers: Fields,
  properties: Fields,
): (Pick<TaskMessage, "stamps"> & { readonly stampedHeaders: readonly string[] }) | undefined {
  if (properties.stamped_headers === undefined || Array.isArray(headers.stamped_headers)) return undefined;
  const names = (read.names(properties.stamped_headers) ?? []).filter((name) => properties[name] !== undefined);
  return { stampedHeaders: names, stamps: Object.fromEntries(names.map((name) => [name, properties[name]])) };
}

/** What can be told of a message without its arguments; null where it does not say, or says it wrongly. */
export interface PeekedHeaders {
  readonly id: string | null;
  readonly task: string | null;
  readonly rootId: string | null;
  readonly parentId: string | null;
  readonly groupId: string | null;
  readonly stamps: Readonly<Record<string, unknown>>;
  /** As they stand, Celery's own too. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly eta: string | null;
  readonly expires: string | null;
  readonly retries: number;
  readonly priority: number;
  readonly routingKey: string | null;
  readonly redelivered: boolean;
  readonly lovage: LovageProperties;
  readonly deliveryTag: string | null;
  /** When it was written, milliseconds since 1970; null: by whom does not say (Python). */
  readonly sentMs: number | null;
}

/** Reads no body, except a protocol 1 one, and never throws: null for bytes that are no envelope. */
export function peekHeaders(bytes: Uint8Array | string): PeekedHeaders | null {
  try {
    const envelope = decodeEnvelope(bytes, { typedValues: false });
    const headers = envelope.headers.task === undefined ? peekBody(envelope) : envelope.headers;
    return peeked(headers, envelope.properties);
  } catch {
    return null;
  }
}

function peekBody(envelope: Envelope): Fields {
  try {
    const body = decodeBody(envelope);
    return isFields(body) ? protocolOneHeaders(body) : envelope.headers;
  } catch {
    return envelope.headers;
  }
}

function peeked(headers: Fields, properties: Fields): PeekedHeaders {
  const delivery = isFields(properties.delivery_info) ? properties.delivery_info : none;
  return {
    id: read.textOrNull(headers.id),
    task: read.textOrNull(headers.task),
    rootId: read.textOrNull(headers.root_id),
    parentId: read.textOrNull(headers.parent_id),
    groupId: read.textOrNull(headers.group),
    stamps: lateStamps(headers, properties)?.stamps ?? (isFields(headers.stamps) ? headers.stamps : none),
    headers,
    eta: read.textOrNull(headers.eta),
    expires: read.textOrNull(headers.expires),
    retries: typeof headers.retries === "number" ? headers.retries : 0,
    priority: read.priority(properties.priority),
    routingKey: read.textOrNull(delivery.routing_key),
    redelivered: delivery.redelivered === true || headers.redelivered === true,
    lovage: isFields(properties.lovage) ? (properties.lovage as LovageProperties) : none,
    deliveryTag: read.textOrNull(properties.delivery_tag),
    sentMs: typeof properties.delivery_tag === "string" ? timeOfId(properties.delivery_tag) : null,
  };
}
