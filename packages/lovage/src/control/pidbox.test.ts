import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeReply, decodeRequest, encodeReply, encodeRequest, isForNode } from "./pidbox.ts";

// Published by celery 5.6.3 for `app.control.inspect(destination=[…]).active()`.
const request = readFileSync(new URL("./captures/inspect-active-request.json", import.meta.url));

describe("a request of Python's", () => {
  it("is read", () => {
    expect(decodeRequest(request)).toEqual({
      method: "active",
      arguments: { safe: null },
      destination: ["w1@capture-host"],
      pattern: null,
      matcher: null,
      ticket: "89a676db-0a79-4790-9b84-9a8e4f61ba98",
      replyTo: "c0511f2d-53fb-3fde-b545-86d78a5a5f32",
      clock: 1,
    });
  });

  it("is written the same way", () => {
    const decoded = decodeRequest(request);
    if (!decoded) throw new Error("not read");
    const python = JSON.parse(request.toString());
    const ours = JSON.parse(encodeRequest(decoded, python.headers.expires * 1000));
    expect(JSON.parse(Buffer.from(ours.body, "base64").toString())).toEqual(JSON.parse(Buffer.from(python.body, "base64").toString()));
    expect({ ...ours, body: "", properties: { ...ours.properties, delivery_tag: "" } }).toEqual({
      ...python,
      body: "",
      properties: { ...python.properties, delivery_tag: "" },
    });
  });
});

describe("a cast", () => {
  it("carries neither ticket nor reply_to", () => {
    const cast = {
      method: "heartbeat",
      arguments: {},
      destination: null,
      pattern: null,
      matcher: null,
      ticket: null,
      replyTo: null,
      clock: 2,
    };
    const envelope = encodeRequest(cast, 0);
    expect(Object.keys(JSON.parse(Buffer.from(JSON.parse(envelope).body, "base64").toString()))).not.toContain("reply_to");
    expect(decodeRequest(Buffer.from(envelope))).toEqual(cast);
  });
});

describe("a reply", () => {
  it("comes back as it was, with ticket and clock", () => {
    const reply = { ticket: "t", clock: 9, replies: { "celery@a": { ok: "pong" } } };
    const text = encodeReply(reply, "oid");
    expect(decodeReply(Buffer.from(text))).toEqual(reply);
    expect(JSON.parse(text).properties.delivery_info).toEqual({ exchange: "reply.celery.pidbox", routing_key: "oid" });
  });
});

describe("what is no request", () => {
  it.each([
    "",
    "{}",
    "[]",
    "nonsense",
    '{"body": 5}',
    '{"body":"W10=","headers":{},"properties":{"body_encoding":"base64"},"content-type":"application/json"}',
  ])("%s is refused or recognised as none", (text) => {
    let read: unknown;
    try {
      read = decodeRequest(Buffer.from(text));
    } catch (error) {
      expect((error as { code?: string }).code).toMatch(/^LOVAGE_/);
      return;
    }
    expect(read).toBeNull();
  });
});

describe("who is meant", () => {
  const to = (destination: readonly string[] | null, pattern: string | null = null, matcher: string | null = null) =>
    isForNode({ destination, pattern, matcher }, "gpu0@host.one");

  it.each([
    [to(null), true],
    [to(["gpu0@host.one"]), true],
    [to(["gpu1@host.one"]), false],
    [to([]), false],
    [to(null, "gpu*", "glob"), true],
    [to(null, "gpu[12]@*", "glob"), false],
    [to(null, "gpu[!12]@host?one", "glob"), true],
    [to(null, "gpu0", "glob"), false],
    [to(null, "gpu\\d", "pcre"), true],
    [to(null, "host", "pcre"), false],
    [to(null, "(", "pcre"), false],
    [to(null, "x", null), true],
  ])("case %#", (is, expected) => {
    expect(is).toBe(expected);
  });
});
