import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { promoteScript } from "./promote.ts";

const header = (list: string) => String(encodeHeader({ list, queue: "q", bucket: 0, prefixBytes: 0, flags: 16 }));
const future = String(Date.now() + 300_000);
const after = {
  q: ["waiting", "second", "first"],
  parked: { hash: { "4": `${header("q")}later` } },
  due: { zset: { "4": "now" } },
};
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: promoteScript,
    keys: ["due", "parked"],
    args: ["10"],
    seed: [
      ["LPUSH", "q", "waiting"],
      ["HSET", "parked", "1", `${header("q")}first`, "2", `${header("q")}second`, "4", `${header("q")}later`],
      // 3 has no record any more: purged.
      ["ZADD", "due", "1", "1", "2", "2", "3", "3", future, "4"],
    ],
    first: { reply: [2, "now", "now", []], after },
    second: { reply: [0, "now", "now", []], after },
    missing: { reply: [0, null, "now", []], after: {} },
    full: "runs",
    computed: ["q"],
    wrong: {
      q: {
        reply: [0, "now", "now", Array(2).fill('The key "q" holds a string where a list belongs. Rename or delete it.')],
        after: {
          q: "spoilt",
          parked: { hash: { "1": `${header("q")}first`, "2": `${header("q")}second`, "4": `${header("q")}later` } },
          due: { zset: { "1": "now", "2": "now", "4": "now" } },
        },
      },
    },
  },
);

const waiting = `${encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0, flags: 80 })}b`;
const line = { "ns:limit:slots/t:line": { zset: { "00000000000000ff c": 9 } } };
scriptCases(
  { describe: (name, body) => describe.skipIf(process.env.LOVAGE_SKIP_REDIS)(`${name}: a limit`, body), it, beforeAll, afterAll },
  {
    script: promoteScript,
    keys: ["ns:parked:due", "ns:parked"],
    args: ["10"],
    seed: [
      ["HSET", "ns:limit:slots/t", "most", "1"],
      // Called more than a minute ago, and never came.
      ["ZADD", "ns:limit:slots/t:called", "1", "lost"],
      ["ZADD", "ns:limit:slots/t:line", "8", "00000000000000fe b", "9", "00000000000000ff c"],
      ["HSET", "ns:parked", "00000000000000fe", waiting],
      ["ZADD", "ns:parked:due", "1", "limit:slots/t"],
    ],
    first: {
      reply: [1, "now", "now", []],
      after: {
        q: ["b"],
        "ns:called:b ~": "slots/t",
        "ns:limit:slots/t": { hash: { most: "1" } },
        "ns:limit:slots/t:called ~": { zset: { b: "now" } },
        ...line,
        "ns:parked:due": { zset: { "limit:slots/t": "now" } },
      },
    },
    second: {
      reply: [0, "now", "now", []],
      after: {
        q: ["b"],
        "ns:called:b ~": "slots/t",
        "ns:limit:slots/t": { hash: { most: "1" } },
        "ns:limit:slots/t:called ~": { zset: { b: "now" } },
        ...line,
        "ns:parked:due": { zset: { "limit:slots/t": "now" } },
      },
    },
    missing: { reply: [0, null, "now", []], after: {} },
    full: "runs",
  },
);
