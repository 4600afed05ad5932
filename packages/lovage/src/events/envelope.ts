/** Events as kombu's envelopes and back: one event, or an array of them (celery-wire.md §9.1). Pure. */
import { randomUUID } from "node:crypto";
import { decodeBody, decodeEnvelope, isFields } from "../message/envelope.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { CeleryEvent } from "./event.ts";

export const eventExchange = "celeryev";

/** `body`: the JSON text of an event, or of an array of events. `hostname`: of the sender. */
export function encodeEvents(hostname: string, routingKey: string, body: string): string {
  const headers = `{"hostname": ${JSON.stringify(hostname)}}`;
  const info = `{"exchange": "${eventExchange}", "routing_key": ${JSON.stringify(routingKey)}}`;
  const text = Buffer.from(body).toString("base64");
  return (
    `{"body": "${text}", "content-encoding": "utf-8", "content-type": "application/json", "headers": ${headers}, ` +
    `"properties": {"delivery_mode": 1, "delivery_info": ${info}, "priority": 0, "body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
  );
}

export const eventText = (event: CeleryEvent): string => stringifyWireJson(event);

/** All events of one envelope. What is none in it is left out. @throws {MessageError} for what is no envelope. */
export function decodeEvents(bytes: Uint8Array): readonly CeleryEvent[] {
  const body = decodeBody(decodeEnvelope(bytes));
  return (Array.isArray(body) ? body : [body]).filter(isEvent);
}

const isEvent = (value: unknown): value is CeleryEvent => isFields(value) && typeof value.type === "string";
