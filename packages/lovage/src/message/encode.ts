/** From a `TaskMessage` to the text of its envelope: protocol 2, fields and their order as Celery 5.6 writes them. celery-wire.md §1.1, §2. */
import { timedId } from "../kernel/ids.ts";
import { isCeleryHeader, isTaskProperty } from "./header-values.ts";
import { quoteText, type StringifyOptions, stringifyWireJson } from "./json.ts";
import { processOrigin } from "./new-task-message.ts";
import { completeSignature } from "./signature-shape.ts";
import type { Signature, TaskMessage } from "./task-message.ts";
import { parseWireTime } from "./wire-time.ts";

export { markRedelivered } from "./mark-redelivered.ts";
export { newTaskMessage, type TaskMessageInit } from "./new-task-message.ts";

/**
 * Each call gives a new delivery tag, which tells when that was: to Python it is any text. Written as text and not as an object: half the time, and this is done per task.
 * `replyTo`: see `LovageProperties`.
 * @throws {SerializationError} LOVAGE_NOT_SERIALIZABLE for an argument, stamp or header that can't go
 * @throws {MessageError} LOVAGE_TIME_INVALID for an `expires` that is no time
 */
export function encodeTaskMessage(message: TaskMessage, options?: StringifyOptions, replyTo?: string): string {
  const body = Buffer.from(encodeBody(message, options), "utf8").toString("base64");
  return (
    `{"body": "${body}", "content-encoding": "utf-8", "content-type": "application/json", ` +
    `"headers": ${encodeHeaders(message, options)}, "properties": ${encodeProperties(message, options, replyTo)}}`
  );
}

function encodeBody(message: TaskMessage, options: StringifyOptions | undefined): string {
  const { callbacks, errbacks, chain, chord } = message;
  const args = message.args.length === 0 ? "[]" : stringifyWireJson(message.args, options);
  const kwargs = stringifyWireJson(message.kwargs, options);
  if (callbacks.length === 0 && errbacks.length === 0 && chain === null && chord === null) {
    return `[${args}, ${kwargs}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]`;
  }
  return (
    `[${args}, ${kwargs}, {"callbacks": ${encodeSignatures(callbacks, options)}, "errbacks": ${encodeSignatures(errbacks, options)}, ` +
    `"chain": ${chain === null ? "null" : stringifyWireJson(chain.map(completeSignature), options)}, ` +
    `"chord": ${chord === null ? "null" : stringifyWireJson(completeSignature(chord), options)}}]`
  );
}

function encodeSignatures(signatures: readonly Signature[], options: StringifyOptions | undefined): string {
  return signatures.length === 0 ? "null" : stringifyWireJson(signatures.map(completeSignature), options);
}

function encodeHeaders(m: TaskMessage, options: StringifyOptions | undefined): string {
  return (
    `{"lang": "js", "task": ${quoteText(m.task)}, "id": ${quoteText(m.id)}, "shadow": ${orNull(m.shadow)}, "eta": ${orNull(m.eta)}, ` +
    `"expires": ${orNull(m.expires)}, "group": ${orNull(m.groupId)}, "group_index": ${m.groupIndex}, "retries": ${m.retries}, ` +
    `"timelimit": [${m.timeLimit}, ${m.softTimeLimit}], "root_id": ${orNull(m.rootId)}, "parent_id": ${orNull(m.parentId)}, ` +
    `"argsrepr": ${quoteText(m.argsrepr)}, "kwargsrepr": ${quoteText(m.kwargsrepr)}, "origin": ${quoteText(m.origin ?? processOrigin())}, ` +
    `"ignore_result": ${m.ignoreResult}, "replaced_task_nesting": ${m.replacedTaskNesting}, ` +
    `"stamped_headers": ${m.stampedHeaders === null ? "null" : JSON.stringify(m.stampedHeaders)}, ` +
    `"stamps": ${stringifyWireJson(m.stamps, options)}${m.redelivered ? ', "redelivered": true' : ""}${more(m.headers, isCeleryHeader, options)}}`
  );
}

function encodeProperties(m: TaskMessage, options: StringifyOptions | undefined, replyTo: string | undefined): string {
  return (
    `{"correlation_id": ${orNull(m.correlationId)}, "reply_to": ${quoteText(m.replyTo)}${more(m.properties, isTaskProperty, options)}` +
    `${m.expires === null ? "" : `, "expiration": "${expiration(m.expires)}"`}, "delivery_mode": 2, ` +
    `"delivery_info": {"exchange": ${quoteText(m.exchange)}, "routing_key": ${quoteText(m.routingKey)}${m.redelivered ? ', "redelivered": true' : ""}}, ` +
    `"priority": ${m.priority}, "body_encoding": "base64", "delivery_tag": "${timedId()}"${ours(m, replyTo)}}`
  );
}

/** Text of milliseconds, as AMQP has it; "0" when past. Redis ignores it. */
function expiration(expires: string): number {
  return Math.max(0, parseWireTime(expires) - Date.now());
}

function ours({ lovage }: TaskMessage, replyTo: string | undefined): string {
  const text = JSON.stringify(replyTo === undefined ? lovage : { ...lovage, replyTo });
  return text === "{}" ? "" : `, "lovage": ${text}`;
}

/** Entries after the known ones, which they cannot replace. */
function more(fields: Readonly<Record<string, unknown>>, known: (key: string) => boolean, options: StringifyOptions | undefined): string {
  let text = "";
  for (const key in fields) {
    if (!known(key) && fields[key] !== undefined) text += `, ${JSON.stringify(key)}: ${stringifyWireJson(fields[key], options)}`;
  }
  return text;
}

function orNull(text: string | null): string {
  return text === null ? "null" : quoteText(text);
}
