import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { captured, captureVersions, loadCaptures } from "../../test-data/load-captures.ts";
import { isLovageError } from "../kernel/errors.ts";
import { decodeChordPart, encodeChordPart } from "./chord-part.ts";
import { decodeTaskMessage, peekHeaders } from "./decode.ts";
import { encodeTaskMessage, markRedelivered } from "./encode.ts";
import { decodeBody, decodeEnvelope } from "./envelope.ts";
import { fromExceptionRecord, toExceptionRecord } from "./exceptions.ts";
import { parseWireJson } from "./json.ts";
import { reprArgs, reprKwargs } from "./repr.ts";
import { decodeResult, encodeResult, type ResultFields } from "./results.ts";
import { parseWireTime } from "./wire-time.ts";

// biome-ignore lint/suspicious/noExplicitAny: the captures are whatever Celery wrote
type Any = any;

/** Not read by the code under test where `JSON.parse` can. */
function plain(text: string): Any {
  try {
    return JSON.parse(text);
  } catch {
    return parseWireJson(text, { typedValues: false });
  }
}

function bodyOf(envelope: Any): Any {
  const bytes = Buffer.from(envelope.body, "base64");
  return plain((envelope.headers.compression === "application/x-gzip" ? inflateSync(bytes) : bytes).toString("utf8"));
}

const unreadable = new Set(["p17_pickle"]);
const messages = captured("messages");
const taskMessages = messages.filter((m) => !unreadable.has(m.case));
const protocolTwo = taskMessages.filter((m) => plain(m.item).headers.task !== undefined);
const protocolOne = taskMessages.filter((m) => plain(m.item).headers.task === undefined);

/** What a peer reads: all but tags, times, origin, language and compression; what 5.2 leaves out is what 5.6 writes by default. */
function comparable(text: string): Any {
  const envelope = plain(text);
  const { lang, origin, ...headers } = envelope.headers;
  const { delivery_tag, expiration, ...properties } = envelope.properties;
  delete headers.compression;
  const [args, kwargs, embed] = bodyOf(envelope);
  return {
    type: [envelope["content-type"], envelope["content-encoding"]],
    headers: { replaced_task_nesting: 0, stamped_headers: null, stamps: {}, ...headers },
    properties: { ...properties, expires: expiration !== undefined },
    body: [args, kwargs, { ...embed, callbacks: embed.callbacks ?? [], errbacks: embed.errbacks ?? [] }],
  };
}

describe("task messages of real Celery", () => {
  it("are all here", () => {
    for (const version of captureVersions) {
      const names = loadCaptures(version).cases.map((c) => c.case);
      expect(names.filter((n) => n.startsWith("p")).length).toBeGreaterThan(50);
    }
    expect(protocolTwo.length).toBeGreaterThan(550);
    expect(protocolOne.length).toBeGreaterThanOrEqual(4);
  });

  it.each(protocolTwo)("$name decodes, and encodes back to the same", ({ item }) => {
    const message = decodeTaskMessage(Buffer.from(item));
    const original = plain(item);
    expect(message.id).toBe(original.headers.id);
    expect(message.task).toBe(original.headers.task);
    expect(comparable(encodeTaskMessage(message))).toEqual(comparable(item));
    expect(decodeTaskMessage(encodeTaskMessage(message))).toEqual({ ...message, lang: "js", origin: message.origin });
  });

  it.each(protocolOne)("$name (protocol 1) decodes, and becomes the same in protocol 2", ({ item }) => {
    const message = decodeTaskMessage(Buffer.from(item));
    const body = bodyOf(plain(item));
    expect(message).toMatchObject({ id: body.id, task: body.task, args: body.args, kwargs: body.kwargs, chain: null, rootId: null });
    expect(message).toMatchObject({ eta: body.eta, expires: body.expires, retries: 0, groupId: body.taskset });
    expect(message.callbacks).toEqual(body.callbacks ?? []);
    expect(message.errbacks).toEqual(body.errbacks ?? []);
    const again = decodeTaskMessage(encodeTaskMessage(message));
    expect({ ...again, lang: null, origin: null }).toEqual(message);
  });

  it.each(messages.filter((m) => unreadable.has(m.case)))("$name: the envelope decodes, the pickle does not", ({ item }) => {
    expect(decodeEnvelope(Buffer.from(item)).headers).toMatchObject({ task: "t.add" });
    expect(peekHeaders(Buffer.from(item))).toMatchObject({ task: "t.add", id: expect.any(String) });
    const error = thrownBy(() => decodeTaskMessage(Buffer.from(item)));
    expect(isLovageError(error, "LOVAGE_CONTENT_TYPE_REFUSED")).toBe(true);
  });

  // 5.2 has no types in its JSON, and 1.0 is 1 for us; nor can a tuple be told from a list there.
  const lossy = new Set(["p16_types"]);
  it.each(protocolTwo.filter((m) => !lossy.has(m.case)))("$name: its argsrepr and kwargsrepr are ours too, but for tuples", ({ item }) => {
    const { args, kwargs, argsrepr, kwargsrepr } = decodeTaskMessage(item);
    const brackets = (text: string) => text.replaceAll(",)", "]").replaceAll("(", "[").replaceAll(")", "]");
    expect(brackets(reprArgs(args))).toBe(brackets(argsrepr));
    expect(brackets(reprKwargs(kwargs))).toBe(brackets(kwargsrepr));
  });

  it.each(taskMessages)("$name comes back marked as redelivered, and otherwise the same", ({ item }) => {
    const before = decodeTaskMessage(Buffer.from(item));
    const marked = markRedelivered(Buffer.from(item), { deaths: 2 });
    expect(decodeTaskMessage(marked)).toEqual({ ...before, redelivered: true, lovage: { deaths: 2 } });
    expect(plain(marked as string).properties.delivery_tag).toBe(plain(item).properties.delivery_tag);
    expect(plain(marked as string).body).toBe(plain(item).body);
  });
});

describe("events and control messages of real Celery", () => {
  it.each(captured("others"))("$name: envelope and body decode", ({ item }) => {
    const envelope = decodeEnvelope(Buffer.from(item));
    expect(decodeBody(envelope)).toEqual(bodyOf(plain(item)));
    expect(isLovageError(thrownBy(() => decodeTaskMessage(item)))).toBe(true);
  });
});

describe("results of real Celery", () => {
  const results = captured("results");
  it.each(results)("$name decodes, and encodes back to the same", ({ item }) => {
    const stored = decodeResult(item);
    const original = plain(item);
    const again = plain(encodeResult(fieldsOf(stored.document)));
    expect(timeless(again)).toEqual(timeless(original));
    expect(Object.keys(again)).toEqual(Object.keys(original));
  });

  const failures = results.filter((r) => ["FAILURE", "REVOKED", "RETRY"].includes(plain(r.item).status));
  it.each(failures)("$name: its exception becomes an error of ours, and the same exception again", ({ item }) => {
    const stored = decodeResult(item);
    const error = fromExceptionRecord(stored.result, stored.traceback, stored.taskId);
    expect(error.details).toMatchObject({ taskId: stored.taskId, type: plain(item).result.exc_type, traceback: stored.traceback });
    expect(toExceptionRecord(error).error).toEqual(plain(item).result);
  });
});

describe("chord parts of real Celery", () => {
  it.each(captured("parts"))("$name decodes, and encodes back to the same text", ({ item: [, , member] }) => {
    const part = decodeChordPart(member);
    expect(part).toEqual({ taskId: plain(member)[1], state: plain(member)[2], result: plain(member)[3] });
    expect(plain(encodeChordPart(part))).toEqual(plain(member));
  });
});

function timeless(document: Any): Any {
  const { date_done } = document;
  return { ...document, date_done: date_done === null ? null : Math.floor(parseWireTime(date_done) / 1000) };
}

function fieldsOf(document: Any): ResultFields {
  const { name, args, kwargs, worker, retries, queue, stamped_headers } = document;
  const stamps = Object.fromEntries((stamped_headers ?? []).map((stamp: string) => [stamp, document[stamp]]));
  const extended = { name, args, kwargs, worker, retries, queue, stampedHeaders: stamped_headers ?? null, stamps };
  return {
    taskId: document.task_id,
    state: document.status,
    result: document.result,
    traceback: document.traceback,
    children: document.children,
    doneAtMs: document.date_done === null ? 0 : parseWireTime(document.date_done),
    groupId: document.group_id ?? null,
    parentId: document.parent_id ?? null,
    ...(name === undefined ? {} : { extended }),
  };
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
