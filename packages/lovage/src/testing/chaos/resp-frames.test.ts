import { expect, test } from "vitest";
import { RespFrames, wordsOf } from "./resp-frames.ts";

const values = [
  "+OK\r\n",
  "$5\r\nhe\r\no\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "_\r\n",
  "*2\r\n:1\r\n*1\r\n$1\r\na\r\n",
  "%1\r\n+a\r\n~2\r\n#t\r\n,1.5\r\n",
  ">3\r\n+message\r\n+c\r\n$0\r\n\r\n",
  "|1\r\n+ttl\r\n:3600\r\n+x\r\n",
  "=7\r\ntxt:abc\r\n",
];

test.each([1, 2, 3, 7, 1000])("finds each value in pieces of %i bytes", (size) => {
  const bytes = Buffer.from(values.join(""));
  const frames = new RespFrames();
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...frames.push(bytes.subarray(at, at + size)).map(String));
  expect(found).toEqual(values);
});

test("reads the words of a request", () => {
  expect(wordsOf(Buffer.from("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"))).toEqual(["SET", "k", "a\r\nb"]);
});
