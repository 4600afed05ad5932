import { describe, expect, test } from "vitest";
import { encodeCommand, type Reply, ReplyError, RespReader } from "./resp.ts";

/** What a reader makes of these bytes, given in pieces of `size`. */
function read(bytes: Buffer, size = bytes.length) {
  const replies: (Reply | ReplyError)[] = [];
  const pushes: (readonly Reply[])[] = [];
  const reader = new RespReader({ onReply: (reply) => replies.push(reply), onPush: (push) => pushes.push(push) });
  for (let at = 0; at < bytes.length; at += size) reader.push(Buffer.from(bytes.subarray(at, at + size)));
  return { replies, pushes };
}
const bytes = Buffer.from;

describe("a command", () => {
  test.each([
    ["words", ["GET", "key"], "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"],
    ["an empty argument", ["SET", "k", ""], "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"],
    ["characters of several bytes", ["PING", "čaj☕"], "*2\r\n$4\r\nPING\r\n$7\r\nčaj☕\r\n"],
    ["bytes between texts", ["SET", bytes("a\r\nb"), "x"], "*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$1\r\nx\r\n"],
    ["bytes at both ends", [bytes("a"), "é", bytes("b")], "*3\r\n$1\r\na\r\n$2\r\né\r\n$1\r\nb\r\n"],
  ])("is written with %s", (_, args, wire) => {
    expect(encodeCommand(args).toString()).toBe(wire);
  });

  test("keeps bytes that are no text", () => {
    const raw = bytes([0, 255, 13, 10, 128]);
    expect(encodeCommand(["X", raw])).toEqual(Buffer.concat([bytes("*2\r\n$1\r\nX\r\n$5\r\n"), raw, bytes("\r\n")]));
  });
});

describe("a reply", () => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ["simple string", "+OK\r\n", "OK"],
    ["empty simple string", "+\r\n", ""],
    ["error", "-ERR no\r\n", new ReplyError("ERR no")],
    ["blob error", "!8\r\nERR a\r\nb\r\n", new ReplyError("ERR a\r\nb")],
    ["number", ":42\r\n", 42],
    ["negative number", ":-7\r\n", -7],
    ["double", ",1.5\r\n", 1.5],
    ["infinity", ",-inf\r\n", -Infinity],
    ["big number", "(123456789012345678901234567890\r\n", "123456789012345678901234567890"],
    ["true", "#t\r\n", true],
    ["false", "#f\r\n", false],
    ["null", "_\r\n", null],
    ["old null", "$-1\r\n", null],
    ["old null list", "*-1\r\n", null],
    ["blob", "$5\r\na\r\nbc\r\n", bytes("a\r\nbc")],
    ["empty blob", "$0\r\n\r\n", bytes("")],
    ["verbatim string", "=8\r\ntxt:some\r\n", "some"],
    ["empty list", "*0\r\n", []],
    ["list of lists", "*3\r\n*1\r\n:1\r\n*0\r\n$1\r\nx\r\n", [[1], [], bytes("x")]],
    ["set", "~2\r\n:1\r\n:2\r\n", [1, 2]],
    ["map", "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", ["a", 1, "b", [2]]],
    ["error in a list", "*2\r\n-ERR x\r\n:1\r\n", [new ReplyError("ERR x"), 1]],
    ["something with an attribute", "|1\r\n+ttl\r\n:3\r\n:5\r\n", 5],
  ];
  test.each(cases)("%s", (_, wire, value) => {
    expect(read(bytes(wire))).toEqual({ replies: [value], pushes: [] });
  });

  const all = bytes(cases.map(([, wire]) => wire).join(""));
  test.each([1, 2, 3, 7, 64])("all of them in pieces of %d bytes", (size) => {
    expect(read(all, size).replies).toEqual(cases.map(([, , value]) => value));
  });

  test("a blob of many chunks is joined once it is whole", () => {
    const blob = Buffer.alloc(1_000_000, "x");
    const wire = Buffer.concat([bytes("*2\r\n$1000000\r\n"), blob, bytes("\r\n:1\r\n")]);
    const [[whole, after] = []] = read(wire, 4096).replies as [[Buffer, number]];
    expect([whole?.equals(blob), after]).toEqual([true, 1]);
  });
});

test("pushes come between replies, and are none", () => {
  const wire = bytes("+OK\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n:1\r\n");
  expect(read(wire, 5)).toEqual({ replies: ["OK", 1], pushes: [[bytes("message"), bytes("c"), bytes("hi")]] });
});

test.each([
  ["an unknown type", "HTTP/1.1 400 Bad Request\r\n", 'not a RESP reply: "HTTP/1.1 400 Bad Request"'],
  ["a number that is none", ":12a\r\n", 'not a RESP number: "12a"'],
  ["a line without end", `+${"x".repeat(70_000)}`, "not a RESP reply: a line without end"],
])("%s is refused", (_, wire, message) => {
  expect(() => read(bytes(wire))).toThrow(message);
});
