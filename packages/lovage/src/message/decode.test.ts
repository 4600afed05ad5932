import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { decodeTaskMessage, peekHeaders } from "./decode.ts";
import { decodeBody, decodeEnvelope } from "./envelope.ts";

const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
const goodBody = [[2, 3], {}, embed];

interface Parts {
  readonly body?: unknown;
  readonly headers?: unknown;
  readonly properties?: Record<string, unknown>;
  readonly envelope?: Record<string, unknown>;
}

function bytesOf({ body = goodBody, headers = {}, properties = {}, envelope = {} }: Parts): Uint8Array {
  const raw = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return Buffer.from(
    JSON.stringify({
      body: Buffer.from(raw).toString("base64"),
      "content-encoding": "utf-8",
      "content-type": "application/json",
      headers: headers === null || typeof headers !== "object" ? headers : { task: "t.add", id: "id-1", ...headers },
      properties: { body_encoding: "base64", delivery_info: { exchange: "", routing_key: "celery" }, ...properties },
      ...envelope,
    }),
  );
}

function errorOf(bytes: Uint8Array): unknown {
  try {
    decodeTaskMessage(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
}

const signature = { task: "t.mul", args: [4], kwargs: {}, options: {}, subtask_type: null, immutable: false };

describe("decodeTaskMessage", () => {
  it.each<[string, Parts]>([
    ["only task and id in the headers", {}],
    ["an empty embed", { body: [[2, 3], {}, {}] }],
    ["a null embed", { body: [[2, 3], {}, null] }],
    ["null arguments", { body: [null, null, null], envelope: {} }],
    ["an embed with more in it", { body: [[2, 3], {}, { ...embed, other: 1 }, "fourth"] }],
    ["a body that is not base64", { envelope: { body: JSON.stringify(goodBody) }, properties: { body_encoding: undefined } }],
    ["another language, extra headers", { headers: { lang: "js", tenant: "a" } }],
    ["null limits and flags", { headers: { timelimit: null, ignore_result: null, retries: null, stamps: null } }],
    ["no priority, no delivery_info, no tag", { properties: { delivery_info: null } }],
    ["a priority in a string", { properties: { priority: "3" } }],
    ["an eta that ends in Z", { headers: { eta: "2030-01-02T03:04:05Z" } }],
    [
      "decorations of the wrong type",
      { headers: { argsrepr: 5, kwargsrepr: [], origin: {}, shadow: 1, lang: null, stamped_headers: "x", stamps: [] } },
    ],
    ["a content type with a charset", { envelope: { "content-type": "Application/JSON; charset=utf-8" } }],
    ["a missing content encoding", { envelope: { "content-encoding": null } }],
    [
      "a body in latin-1 that says so",
      {
        body: Buffer.from([0x5b, 0x5b, 0x22, 0xe9, 0x22, 0x5d, 0x2c, 0x7b, 0x7d, 0x2c, 0x7b, 0x7d, 0x5d]),
        envelope: { "content-encoding": "iso-8859-1" },
      },
    ],
  ])("takes %s", (_, parts) => {
    const message = decodeTaskMessage(bytesOf(parts));
    expect(message).toMatchObject({ id: "id-1", task: "t.add", retries: 0, timeLimit: null, softTimeLimit: null, ignoreResult: null });
    expect([[2, 3], [], ["é"]]).toContainEqual(message.args);
    expect(message.priority).toBe(parts.properties?.priority === "3" ? 3 : 0);
  });

  it("reads every field to its name", () => {
    const message = decodeTaskMessage(
      bytesOf({
        body: [[1], { y: 2 }, { callbacks: [signature], errbacks: [signature], chain: [signature], chord: signature }],
        headers: {
          lang: "py",
          shadow: "s",
          eta: "2030-01-02T03:04:05+02:00",
          expires: "2030-01-02T03:04:06",
          group: "g",
          group_index: 7,
          retries: 2,
          timelimit: [30, 20.5],
          root_id: "r",
          parent_id: "p",
          argsrepr: "(1,)",
          kwargsrepr: "{'y': 2}",
          origin: "gen1@h",
          ignore_result: true,
          replaced_task_nesting: 1,
          stamped_headers: ["m"],
          stamps: { m: [1] },
          redelivered: true,
          tenant: "a",
        },
        properties: { correlation_id: "c", reply_to: "q", priority: 9, expiration: "1", delivery_mode: 2, extra: 1, lovage: { deaths: 1 } },
      }),
    );
    expect(message).toEqual({
      id: "id-1",
      task: "t.add",
      args: [1],
      kwargs: { y: 2 },
      callbacks: [signature],
      errbacks: [signature],
      chain: [signature],
      chord: signature,
      rootId: "r",
      parentId: "p",
      groupId: "g",
      groupIndex: 7,
      retries: 2,
      eta: "2030-01-02T03:04:05+02:00",
      expires: "2030-01-02T03:04:06",
      timeLimit: 30,
      softTimeLimit: 20.5,
      ignoreResult: true,
      shadow: "s",
      argsrepr: "(1,)",
      kwargsrepr: "{'y': 2}",
      origin: "gen1@h",
      lang: "py",
      replacedTaskNesting: 1,
      stampedHeaders: ["m"],
      stamps: { m: [1] },
      headers: { tenant: "a" },
      correlationId: "c",
      replyTo: "q",
      priority: 9,
      exchange: "",
      routingKey: "celery",
      redelivered: true,
      lovage: { deaths: 1 },
      properties: { extra: 1 },
    });
  });

  it("reads the hybrid of both protocols: headers win over the body", () => {
    const message = decodeTaskMessage(
      bytesOf({
        body: { task: "t.other", id: "id-2", args: [1], kwargs: { y: 2 }, retries: 5, callbacks: [signature] },
        headers: { retries: 3 },
      }),
    );
    expect(message).toMatchObject({
      task: "t.add",
      id: "id-1",
      args: [1],
      kwargs: { y: 2 },
      retries: 3,
      callbacks: [signature],
      chain: null,
    });
  });

  it("takes naive times of protocol 1 with utc off as local", () => {
    const envelope = (utc: boolean) =>
      bytesOf({
        headers: 0,
        envelope: { headers: {} },
        body: { task: "t", id: "i", args: [], eta: "2030-07-02T03:04:05.5", expires: "2030-07-02T03:04:05Z", utc },
      });
    expect(decodeTaskMessage(envelope(true)).eta).toBe("2030-07-02T03:04:05.5");
    const local = new Date(2030, 6, 2, 3, 4, 5, 500).toISOString().replace("Z", "000+00:00");
    expect(decodeTaskMessage(envelope(false))).toMatchObject({ eta: local, expires: "2030-07-02T03:04:05Z" });
  });

  it.each(["args", "kwargs", "options", "subtask_type", "immutable"])(
    "completes a signature that lacks %s, and keeps a key it does not know",
    (key) => {
      const bare = { ...signature, args: [], chord_size: 2 };
      const { [key as "args"]: _, ...lacking } = bare;
      const { callbacks, chain } = decodeTaskMessage(bytesOf({ body: [[], {}, { callbacks: lacking, chain: [lacking] }] }));
      expect(callbacks).toEqual([bare]);
      expect(chain).toEqual([bare]);
    },
  );

  it.each([
    ["application/x-gzip", deflateSync],
    ["application/x-gzip", gzipSync],
    ["application/x-brotli", brotliCompressSync],
  ])("unpacks %s", (compression, pack) => {
    expect(decodeTaskMessage(bytesOf({ body: pack(JSON.stringify(goodBody)), headers: { compression } })).args).toEqual([2, 3]);
  });

  it.each<[string, string, Uint8Array]>([
    ["nothing", "LOVAGE_ENVELOPE_INVALID", Buffer.from("")],
    ["text", "LOVAGE_ENVELOPE_INVALID", Buffer.from("hello")],
    ["an array", "LOVAGE_ENVELOPE_INVALID", Buffer.from("[]")],
    ["null", "LOVAGE_ENVELOPE_INVALID", Buffer.from("null")],
    ["bytes that are not UTF-8", "LOVAGE_ENVELOPE_INVALID", Buffer.from([0x22, 0xff, 0x22])],
    ["half an envelope", "LOVAGE_ENVELOPE_INVALID", bytesOf({}).subarray(0, 100)],
    ["no body", "LOVAGE_ENVELOPE_INVALID", bytesOf({ envelope: { body: undefined } })],
    ["a body that is an object", "LOVAGE_ENVELOPE_INVALID", bytesOf({ envelope: { body: {} } })],
    ["headers that are an array", "LOVAGE_ENVELOPE_INVALID", bytesOf({ envelope: { headers: [] } })],
    ["properties that are a string", "LOVAGE_ENVELOPE_INVALID", bytesOf({ envelope: { properties: "x" } })],
    ["a header of an unknown type", "LOVAGE_ENVELOPE_INVALID", bytesOf({ headers: { x: { __type__: "no-such", __value__: 1 } } })],
    ["yaml", "LOVAGE_CONTENT_TYPE_REFUSED", bytesOf({ envelope: { "content-type": "application/x-yaml" } })],
    ["no content type", "LOVAGE_CONTENT_TYPE_REFUSED", bytesOf({ envelope: { "content-type": undefined } })],
    ["zstd", "LOVAGE_COMPRESSION_UNSUPPORTED", bytesOf({ headers: { compression: "application/zstd" } })],
    ["bzip2", "LOVAGE_COMPRESSION_UNSUPPORTED", bytesOf({ headers: { compression: "application/x-bz2" } })],
    ["lzma", "LOVAGE_COMPRESSION_UNSUPPORTED", bytesOf({ headers: { compression: "application/x-lzma" } })],
    ["a compression called constructor", "LOVAGE_COMPRESSION_UNSUPPORTED", bytesOf({ headers: { compression: "constructor" } })],
    ["a compression that is a number", "LOVAGE_COMPRESSION_UNSUPPORTED", bytesOf({ headers: { compression: 5 } })],
    ["bytes that do not unpack", "LOVAGE_BODY_INVALID", bytesOf({ headers: { compression: "application/x-gzip" } })],
    ["a body that is no JSON", "LOVAGE_BODY_INVALID", bytesOf({ body: "hello" })],
    ["an empty body", "LOVAGE_BODY_INVALID", bytesOf({ body: "" })],
    ["a body that is not UTF-8", "LOVAGE_BODY_INVALID", bytesOf({ body: Buffer.from([0xff, 0xfe]) })],
    [
      "a body in an unknown encoding",
      "LOVAGE_BODY_INVALID",
      bytesOf({ body: Buffer.from([0xff]), envelope: { "content-encoding": "klingon" } }),
    ],
    ["a body of an unknown __type__", "LOVAGE_BODY_INVALID", bytesOf({ body: [[{ __type__: "no-such", __value__: 1 }], {}, {}] })],
    ["a body too deep", "LOVAGE_BODY_INVALID", bytesOf({ body: "[".repeat(100_000) + "]".repeat(100_000) })],
    ["a body of two", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}] })],
    ["a body that is a number", "LOVAGE_BODY_INVALID", bytesOf({ body: 5 })],
    ["a body that is an object without args", "LOVAGE_BODY_INVALID", bytesOf({ body: {} })],
    ["arguments that are an object", "LOVAGE_BODY_INVALID", bytesOf({ body: [{}, {}, {}] })],
    ["keyword arguments that are an array", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], [], {}] })],
    ["an embed that is a string", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, "x"] })],
    ["a callback without a name", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, { callbacks: [{}] }] })],
    ["a chain that is a number", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, { chain: 5 }] })],
    ["a chord that is a list", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, { chord: [signature] }] })],
    ["an errback whose args are a string", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, { errbacks: [{ task: "t", args: "ab" }] }] })],
    ["an errback whose options are a list", "LOVAGE_BODY_INVALID", bytesOf({ body: [[], {}, { errbacks: [{ task: "t", options: [] }] }] })],
    ["no task anywhere", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { task: undefined } })],
    ["an empty task", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { task: "" } })],
    ["a task that is null", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { task: null } })],
    ["no id", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { id: undefined } })],
    ["an id that is a number", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { id: 5 } })],
    ["an eta in words", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { eta: "tomorrow" } })],
    ["an expires that is a number", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { expires: 60 } })],
    ["a time limit in words", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { timelimit: ["9m", null] } })],
    ["a time limit that is a number", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { timelimit: 5 } })],
    ["retries in words", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { retries: "two" } })],
    ["a root id that is an object", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { root_id: {} } })],
    ["a protocol 1 body without an id", "LOVAGE_HEADERS_INVALID", bytesOf({ headers: { task: undefined }, body: { task: "t", args: [] } })],
  ])("refuses %s with %s", (_, code, bytes) => {
    const error = errorOf(bytes);
    expect(isLovageError(error, code as `LOVAGE_${string}`), String(error)).toBe(true);
  });

  it("does not let a header reach the prototype of anything", () => {
    const text = Buffer.from(bytesOf({})).toString().replace('"task"', '"__proto__": {"polluted": 1}, "task"');
    const message = decodeTaskMessage(Buffer.from(text));
    expect(Object.keys(message.headers)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("peekHeaders", () => {
  it("says what it can of a message that does not decode", () => {
    const peeked = peekHeaders(bytesOf({ body: "garbage", headers: { eta: 5, x: { __type__: "no-such", __value__: 1 } } }));
    expect(peeked).toMatchObject({
      id: "id-1",
      task: "t.add",
      eta: null,
      retries: 0,
      routingKey: "celery",
      redelivered: false,
      lovage: {},
    });
  });

  it("reads protocol 1 from the body", () => {
    expect(
      peekHeaders(bytesOf({ headers: { task: undefined, id: undefined }, body: { task: "t.one", id: "id-2", args: [] } })),
    ).toMatchObject({
      id: "id-2",
      task: "t.one",
    });
  });

  it("is null for bytes that are no envelope", () => {
    expect(peekHeaders(Buffer.from("garbage"))).toBeNull();
    expect(peekHeaders(Buffer.from([0xff]))).toBeNull();
  });
});

describe("decodeEnvelope", () => {
  it("reads envelopes of events and control requests", () => {
    const envelope = decodeEnvelope(bytesOf({ body: [{ type: "worker-heartbeat" }], envelope: { headers: { hostname: "w1@h" } } }));
    expect(envelope.headers).toEqual({ hostname: "w1@h" });
    expect(decodeBody(envelope)).toEqual([{ type: "worker-heartbeat" }]);
  });
});
